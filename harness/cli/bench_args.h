// Verbs that measure: bench inference and bench gemm.
#pragma once

#include <optional>
#include <string>

#include "harness/model/bench_gemm.h"
#include "harness/model/bench_inference.h"

namespace CLI {
class App;
}

namespace orrery::cli {

struct BenchArgs {
  std::string what;
  model::InferenceBench inference;
  model::GemmBench gemm;
  bool json = false;
};

void add_bench_verbs(CLI::App& app, BenchArgs& args);
// The exit code, if `verb` is "bench".
std::optional<int> dispatch_bench(const std::string& verb, const BenchArgs& args);

}  // namespace orrery::cli
