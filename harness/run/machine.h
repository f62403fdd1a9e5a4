// Where a run took place: for manifests and reports, never for behaviour.
#pragma once

#include <string>

namespace orrery::run {

struct MachineFacts {
  std::string commit;    // of the source this binary was built from, "+changes" if edited
  std::string machine;   // processor, cores, memory, kernel
  std::string compiler;  // with build type
  std::string version;   // of Orrery
};
MachineFacts machine_facts();

}  // namespace orrery::run
