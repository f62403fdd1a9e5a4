// bench gpu: what the CUDA device does, as a table, JSON, and a device that scenarios can include.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/cli/bench_args.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/run/machine.h"
#include "reports/record/write.h"

namespace orrery::cli {
namespace {

nlohmann::json to_json(const model::GpuReport& report) {
  nlohmann::json rates = nlohmann::json::array();
  for (const gpu::CudaRate& rate : report.rates) {
    nlohmann::json entry{{"what", rate.what}, {"unit", rate.unit}, {"measured", rate.measured}};
    if (rate.peak > 0) entry["peak"] = rate.peak;
    if (rate.peak > 0) entry["fraction"] = rate.measured / rate.peak;
    rates.push_back(std::move(entry));
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const model::InferenceRow& row : report.rows) {
    rows.push_back({{"shape", row.shape},
                    {"phase", row.phase},
                    {"batch", row.batch},
                    {"positions", row.positions},
                    {"tokens_per_second", row.tokens_per_wall_second}});
  }
  const gpu::CudaDevice& d = report.device;
  return {{"schema", "orrery.bench.gpu/1"},
          {"machine", run::machine_facts().machine},
          {"commit", run::machine_facts().commit},
          {"device",
           {{"name", d.name},
            {"compute_capability", fmt::format("{}.{}", d.major, d.minor)},
            {"multiprocessors", d.multiprocessors},
            {"memory_bytes", d.memory_bytes},
            {"clock_khz", d.clock_khz}}},
          {"rates", rates},
          {"rows", rows},
          {"profile",
           {{"name", report.profile.name},
            {"job_overhead_seconds", report.profile.job_overhead_seconds},
            {"work_units_per_second", report.profile.work_units_per_second}}}};
}

void show(const model::GpuReport& report) {
  fmt::print("{}, compute capability {}.{}, {} multiprocessors\n", report.device.name,
             report.device.major, report.device.minor, report.device.multiprocessors);
  for (const gpu::CudaRate& rate : report.rates) {
    const std::string of_peak =
        rate.peak > 0
            ? fmt::format("{:>5.1f} % of {:.0f}", 100 * rate.measured / rate.peak, rate.peak)
            : "the device's own rate is not known";
    fmt::print("{:<32} {:>9.1f} {:<5}  {}\n", rate.what, rate.measured, rate.unit, of_peak);
  }
  for (const model::InferenceRow& row : report.rows) {
    fmt::print("{:>5} {:<7} batch {:>3} {:>10.0f} tokens/s\n", row.shape, row.phase, row.batch,
               row.tokens_per_wall_second);
  }
}

}  // namespace

int bench_gpu_command(const BenchArgs& args) {
  const auto report = model::bench_gpu(args.gpu);
  if (!report) {
    complain(report.error().message);
    return exit_code(report.error());
  }
  if (args.json) {
    fmt::print("{}\n", to_json(*report).dump());
  } else {
    show(*report);
  }
  if (args.profile.empty()) return kHeld;
  const std::string about =
      fmt::format("Measured by orrery bench gpu, commit {}, shape {}: {}",
                  run::machine_facts().commit, args.gpu.shapes.front(), report->device.name);
  const Status written =
      report::write_file_atomically(args.profile, model::profile_yaml(report->profile, about));
  if (written) return kHeld;
  complain(written.error().message);
  return exit_code(written.error());
}

}  // namespace orrery::cli
