// How fast exact-i8 decodes on this processor or its CUDA device, with random weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/api/model.h"

namespace orrery::model {

struct InferenceBench {
  std::vector<std::string> shapes{"15M"};  // 15M, 110M
  std::vector<std::uint32_t> batches{1};   // sequences decoded together, 1..256
  std::vector<std::uint32_t> threads{1};   // 1..256
  std::string kernel;                      // portable, avx2, vnni; empty: the fastest here
  std::uint32_t repeats = 5;               // medians of so many
  std::string device = "cpu";              // "cuda": threads and kernel are not looked at
};

// One token a sequence and step, with the logits of every token: greedy decoding without a sampler.
struct InferenceRow {
  std::string shape;
  std::string phase;  // "decode", or "prompt": one pass over the same tokens, logits of the last
  std::uint32_t batch = 0;
  std::uint32_t threads = 0;    // of the processor; 1 drives a device
  std::uint32_t positions = 0;  // of each sequence
  double tokens_per_cpu_second = 0;
  double tokens_per_wall_second = 0;
};

// kInvalidArgument: an unknown shape or kernel, or a number out of range. kInternal: two runs of
// the same sequence disagreed in a bit, whatever the batch, phase, threads and device (on a device
// the CPU decodes the first sequence for comparison). kUnsupported: no device.
Result<std::vector<InferenceRow>> bench_inference(const InferenceBench& options);

// The model of a shape, with random weights. kInvalidArgument: an unknown shape.
Result<gpu::ModelArtefact> bench_model(const std::string& shape);

}  // namespace orrery::model
