// Looks at what a run needs and says what is missing and how to get it.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "gpu/api/inference.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/run/machine.h"
#include "reports/render/render.h"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;

struct Finding {
  std::string name;
  bool ok = true;
  bool needed = true;  // a missing optional thing is no failure
  std::string detail;
};

std::string_view kernel_name(gpu::Kernel kernel) {
  switch (kernel) {
    case gpu::Kernel::kPortable: return "portable";
    case gpu::Kernel::kAvx2: return "AVX2";
    case gpu::Kernel::kAvx512Vnni: return "AVX-512 VNNI";
  }
  return "unknown";
}

// Every kernel of this processor gives the same bits.
Finding inference_kernels() {
  const gpu::ModelArtefact model = gpu::make_seeded_model(
      {.dim = 64, .hidden = 192, .layers = 2, .heads = 4, .context = 64}, 1);
  gpu::SamplingParams params;
  params.max_tokens = 8;
  std::string names;
  std::optional<Hash256> first;
  bool equal = true;
  for (const gpu::Kernel kernel : gpu::available_kernels()) {
    const auto result =
        gpu::CpuBackend(kernel).generate(model, as_bytes("How far is the moon?"), params, 7);
    const Hash256 digest = result ? result->digest() : Hash256{};
    if (!first) first = digest;
    equal = equal && result && digest == *first;
    names += (names.empty() ? "" : ", ") + std::string(kernel_name(kernel));
  }
  return {.name = "inference",
          .ok = equal,
          .detail = equal ? "equal bits from " + names : "kernels disagree: " + names};
}

Finding plotly() {
  const std::string path = report::default_plotly_js();
  const bool there = fs::exists(path);
  return {
      .name = "report",
      .ok = there,
      .detail = there ? path : path + " is missing: build again with python3-plotly and esbuild"};
}

Finding disk() {
  std::error_code failed;
  const auto space = fs::space(".", failed);
  constexpr std::uintmax_t kNeeded = std::uintmax_t{1} << 30;
  return {.name = "disk",
          .ok = !failed && space.available >= kNeeded,
          .detail = fmt::format("{:.1f} GiB free here",
                                static_cast<double>(space.available) / (1 << 30))};
}

Finding memory() {
  const double gib = static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                     static_cast<double>(sysconf(_SC_PAGE_SIZE)) / (1 << 30);
  return {.name = "memory", .ok = gib >= 2, .detail = fmt::format("{:.1f} GiB", gib)};
}

Finding gpu_device() {
  const bool there = fs::exists("/dev/nvidia0");
  return {.name = "gpu", .ok = there, .needed = false,
          .detail = there ? "an NVIDIA device; this version computes on the processor"
                          : "none; all inference runs on the processor"};
}

}  // namespace

int doctor_command(const DoctorArgs& args) {
  const run::MachineFacts machine = run::machine_facts();
  const Finding findings[] = {inference_kernels(), plotly(), disk(), memory(), gpu_device()};
  bool fine = true;
  nlohmann::json rows = nlohmann::json::array();
  if (!args.json) {
    say(fmt::format("orrery {} ({}), {}\n{}", machine.version, machine.commit, machine.compiler,
                    machine.machine));
  }
  for (const Finding& f : findings) {
    fine = fine && (f.ok || !f.needed);
    rows.push_back({{"name", f.name}, {"ok", f.ok}, {"needed", f.needed}, {"detail", f.detail}});
    if (args.json) continue;
    const std::string mark = f.ok       ? paint(Colour::kGreen, "ok     ")
                             : f.needed ? paint(Colour::kRed, "missing")
                                        : paint(Colour::kDim, "absent ");
    say(fmt::format("  {} {:<10} {}", mark, f.name, f.detail));
  }
  if (args.json) {
    fmt::print("{}\n", nlohmann::json{{"schema", "orrery.doctor/1"},
                                      {"version", machine.version},
                                      {"commit", machine.commit},
                                      {"machine", machine.machine},
                                      {"findings", rows}}
                           .dump());
  }
  return fine ? kHeld : kEnvironment;
}

}  // namespace orrery::cli
