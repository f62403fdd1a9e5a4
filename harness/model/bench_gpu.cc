#include "harness/model/bench_gpu.h"

namespace orrery::model {

Result<GpuReport> bench_gpu(const GpuBench& options) {
  GpuReport report;
  ASSIGN_OR_RETURN(report.device, gpu::find_cuda_device());
  ASSIGN_OR_RETURN(report.rows, bench_inference({.shapes = options.shapes,
                                                 .batches = options.batches,
                                                 .repeats = options.repeats,
                                                 .device = "cuda"}));
  ASSIGN_OR_RETURN(report.rates, gpu::measure_cuda_rates());
  ASSIGN_OR_RETURN(const gpu::ModelArtefact model, bench_model(options.shapes.front()));
  ASSIGN_OR_RETURN(const auto accelerator, gpu::open_cuda_accelerator());
  ASSIGN_OR_RETURN(report.profile, measure_profile(*accelerator, model, report.device.name));
  return report;
}

}  // namespace orrery::model
