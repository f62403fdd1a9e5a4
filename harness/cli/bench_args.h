// Verbs that measure: bench inference, gemm, gpu, verification and attribution.
#pragma once

#include <optional>
#include <string>

#include "harness/model/bench_attribution.h"
#include "harness/model/bench_gemm.h"
#include "harness/model/bench_gpu.h"
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
  model::AttributionBench attribution;
  model::GpuBench gpu;
  std::string profile;  // file for the device's profile
  bool json = false;
};

int bench_gpu_command(const BenchArgs& args);
// Adds and runs `bench attribution`, the only one that measures answers instead of speed.
void add_attribution_bench(CLI::App& bench, BenchArgs& args);
int run_attribution_bench(const BenchArgs& args);

void add_bench_verbs(CLI::App& app, BenchArgs& args);
// The exit code, if `verb` is "bench".
std::optional<int> dispatch_bench(const std::string& verb, const BenchArgs& args);

// In bench_verification.cc.
void add_bench_verification(CLI::App& bench, BenchArgs& args);
int bench_verification(const BenchArgs& args);

}  // namespace orrery::cli
