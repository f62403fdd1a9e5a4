#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/bench_args.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/model/device_choice.h"
#include "harness/run/machine.h"

namespace orrery::cli {
namespace {

int inference(const BenchArgs& args) {
  model::InferenceBench options = args.inference;
  const auto device = model::choose_device(options.device);
  if (!device) {
    complain(device.error().message);
    return exit_code(device.error());
  }
  if (!device->note.empty()) say(device->note);
  options.device = device->cuda ? "cuda" : "cpu";
  const auto rows = model::bench_inference(options);
  if (!rows) {
    complain(rows.error().message);
    return exit_code(rows.error());
  }
  nlohmann::json out = nlohmann::json::array();
  for (const model::InferenceRow& row : *rows) {
    out.push_back({{"shape", row.shape},
                   {"phase", row.phase},
                   {"batch", row.batch},
                   {"threads", row.threads},
                   {"positions", row.positions},
                   {"tokens_per_cpu_second", row.tokens_per_cpu_second},
                   {"tokens_per_wall_second", row.tokens_per_wall_second}});
    if (args.json) continue;
    fmt::print("{:>5} {:<7} batch {:>3}  threads {:>2}  {:>9.0f} tokens/cpu-s  {:>9.0f} tokens/s\n",
               row.shape, row.phase, row.batch, row.threads, row.tokens_per_cpu_second,
               row.tokens_per_wall_second);
  }
  if (args.json) {
    fmt::print("{}\n", nlohmann::json{{"schema", "orrery.bench.inference/1"},
                                      {"machine", run::machine_facts().machine},
                                      {"device", options.device},
                                      {"rows", out}}
                           .dump());
  }
  return kHeld;
}

int gemm(const BenchArgs& args) {
  const auto rows = model::bench_gemm(args.gemm);
  if (!rows) {
    complain(rows.error().message);
    return exit_code(rows.error());
  }
  nlohmann::json out = nlohmann::json::array();
  for (const model::GemmRow& row : *rows) {
    const model::GemmShape& s = row.shape;
    nlohmann::json entry{
        {"type", row.type}, {"m", s.m}, {"n", s.n}, {"k", s.k}, {"gops", row.gops}};
    std::string peer = "no peer installed";
    if (row.peer_gops) {
      entry["peer"] = row.peer;
      entry["peer_gops"] = *row.peer_gops;
      entry["ratio"] = row.gops / *row.peer_gops;
      peer = fmt::format("{:>8.1f} {}, ratio {:.2f}", *row.peer_gops, row.peer,
                         row.gops / *row.peer_gops);
    }
    out.push_back(std::move(entry));
    if (args.json) continue;
    fmt::print("{:>5} {:>5}x{:<5}x{:<5} {:>8.1f} Gop/s  {}\n", row.type, s.m, s.n, s.k, row.gops,
               peer);
  }
  if (args.json) {
    fmt::print("{}\n", nlohmann::json{{"schema", "orrery.bench.gemm/1"},
                                      {"machine", run::machine_facts().machine},
                                      {"rows", out}}
                           .dump());
  }
  return kHeld;
}

}  // namespace

void add_bench_verbs(CLI::App& app, BenchArgs& args) {
  CLI::App* bench = app.add_subcommand("bench", "Measure this machine; results are checked");
  bench->require_subcommand(1);
  CLI::App* infer =
      bench->add_subcommand("inference", "Decoding speed of exact-i8 with random weights");
  infer->add_option("--shape", args.inference.shapes, "15M, 110M")->delimiter(',');
  infer->add_option("--batch", args.inference.batches, "Sequences at once")->delimiter(',');
  infer->add_option("--threads", args.inference.threads, "Threads")->delimiter(',');
  infer->add_option("--kernel", args.inference.kernel, "portable, avx2 or vnni");
  infer->add_option("--repeats", args.inference.repeats, "Medians of so many runs");
  infer->add_option("--device", args.inference.device, "cpu, cuda or auto");
  infer->add_flag("--json", args.json, "One JSON object on standard output");
  infer->footer("Example: orrery bench inference --shape 15M --batch 1,8 --threads 1,2");
  infer->callback([&args] { args.what = "inference"; });

  CLI::App* products = bench->add_subcommand(
      "gemm", "Exact matrix products on one thread, next to OpenBLAS and oneDNN if installed");
  products->add_option("--shape", args.gemm.shapes, "MxNxK")->delimiter(',');
  products->add_option("--repeats", args.gemm.repeats, "Medians of so many runs");
  products->add_flag("--json", args.json, "One JSON object on standard output");
  products->footer("Example: orrery bench gemm --shape 1024x1024x1024");
  products->callback([&args] { args.what = "gemm"; });

  add_bench_verification(*bench, args);
  CLI::App* device = bench->add_subcommand(
      "gpu", "The CUDA device: products, copies, decoding by batch; a profile for scenarios");
  device->add_option("--shape", args.gpu.shapes, "15M, 110M")->delimiter(',');
  device->add_option("--batch", args.gpu.batches, "Sequences at once")->delimiter(',');
  device->add_option("--repeats", args.gpu.repeats, "Medians of so many runs");
  device->add_option("--profile", args.profile, "Write the device as a scenario fragment here");
  device->add_flag("--json", args.json, "One JSON object on standard output");
  device->footer("Example: orrery bench gpu --profile h200.yaml");
  device->callback([&args] { args.what = "gpu"; });
  add_attribution_bench(*bench, args);
}

std::optional<int> dispatch_bench(const std::string& verb, const BenchArgs& args) {
  if (verb != "bench") return std::nullopt;
  if (args.what == "verification") return bench_verification(args);
  if (args.what == "gpu") return bench_gpu_command(args);
  if (args.what == "attribution") return run_attribution_bench(args);
  return args.what == "gemm" ? gemm(args) : inference(args);
}

}  // namespace orrery::cli
