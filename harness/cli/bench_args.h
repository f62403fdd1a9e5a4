// Verbs that measure: bench inference, bench gemm and bench verification.
#pragma once

#include <optional>
#include <string>

#include "harness/model/bench_gemm.h"
#include "harness/model/bench_inference.h"
#include "harness/model/bench_verification.h"

namespace CLI {
class App;
}

namespace orrery::cli {

struct BenchArgs {
  std::string what;
  model::InferenceBench inference;
  model::GemmBench gemm;
  model::VerificationBench verification;
  bool json = false;
};

void add_bench_verbs(CLI::App& app, BenchArgs& args);
// The exit code, if `verb` is "bench".
std::optional<int> dispatch_bench(const std::string& verb, const BenchArgs& args);

// In bench_verification.cc.
void add_bench_verification(CLI::App& bench, BenchArgs& args);
int bench_verification(const BenchArgs& args);

}  // namespace orrery::cli
