// The verb attribute: which training texts an answer is owed to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace orrery::cli {

struct AttributeArgs {
  std::string model;  // folder, as `orrery model train` leaves it
  std::string corpus = "small";
  std::string method = "influence";
  std::string query;
  std::string prompt;   // what stood before the query
  std::string queries;  // file of many
  std::uint32_t top = 5;
  std::uint32_t keep = 0;  // checkpoints to make by training again; 0: take what there is
  std::uint32_t halves = 0;  // models of random halves of the texts to train and to ask
  std::string device = "cpu";
  std::uint64_t seed = 1;
  std::uint32_t threads = 1;
  bool json = false;
};

void add_attribute_verb(CLI::App& app, AttributeArgs& args);
// The exit code, if `verb` is "attribute".
std::optional<int> dispatch_attribute(const std::string& verb, const AttributeArgs& args);

}  // namespace orrery::cli
