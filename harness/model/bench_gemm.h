// How fast the exact matrix products are, next to OpenBLAS and oneDNN in the same process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace orrery::model {

struct GemmShape {
  std::uint32_t m = 0;
  std::uint32_t n = 0;
  std::uint32_t k = 0;
};

struct GemmBench {
  std::vector<std::string> shapes;  // MxNxK; empty: a list from decoding to large squares
  std::uint32_t repeats = 5;
};

// One thread. Operations are 2 m n k; seconds are CPU time of the process, medians.
struct GemmRow {
  std::string type;  // "f32" or "int8"
  GemmShape shape;
  double gops = 0;
  std::string peer;                 // "OpenBLAS" or "oneDNN"; empty: not installed
  std::optional<double> peer_gops;  // cblas_sgemm, dnnl_gemm_s8s8s32
};

// kInvalidArgument: a shape that is not MxNxK with numbers in [1, 16384]. kInternal: a result
// differs from a sum made one element after another, or from the peer's (int8: in any element;
// f32: by more than 1e-3 of the sum of magnitudes).
Result<std::vector<GemmRow>> bench_gemm(const GemmBench& options);

}  // namespace orrery::model
