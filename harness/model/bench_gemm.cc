#include "harness/model/bench_gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <string_view>

#include "engine/base/random.h"
#include "gpu/cpu/f32_gemm.h"
#include "gpu/cpu/gemm.h"
#include "harness/model/blas_peers.h"
#include "harness/model/stopwatch.h"

namespace orrery::model {
namespace {

constexpr std::uint32_t kLargest = 16'384;
constexpr double kSecondsAMeasurement = 0.1;

Result<GemmShape> parse_shape(std::string_view text) {
  GemmShape shape;
  const char* at = text.data();
  const char* end = at + text.size();
  bool good = true;
  for (std::uint32_t* number : {&shape.m, &shape.n, &shape.k}) {
    if (number != &shape.m) good = good && at != end && *at++ == 'x';
    const auto [next, error] = std::from_chars(at, end, *number);
    good = good && error == std::errc{} && *number >= 1 && *number <= kLargest;
    at = next;
  }
  if (good && at == end) return shape;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("shape {:?} is not MxNxK with numbers up to {}, such as 64x2048x2048",
                          text, kLargest));
}

// Operations a second: enough calls to fill a measurement, `repeats` times, alternating sides.
struct Speeds {
  double ours;
  double peer;
};
Speeds measure(const GemmShape& s, std::uint32_t repeats, const std::function<void()>& ours,
               const std::function<void()>& peer) {
  const double operations = 2.0 * s.m * s.n * s.k;
  const auto time = [&](const std::function<void()>& call) {
    if (!call) return 0.0;
    std::uint64_t calls = 0;
    const Stopwatch watch;
    do {
      call();
      ++calls;
    } while (watch.elapsed().cpu < kSecondsAMeasurement);
    return operations * static_cast<double>(calls) / watch.elapsed().cpu;
  };
  std::vector<double> mine;
  std::vector<double> theirs;
  for (std::uint32_t i = 0; i < repeats; ++i) {
    mine.push_back(time(ours));
    theirs.push_back(time(peer));
  }
  return {median(mine) / 1e9, median(theirs) / 1e9};
}

// Elements that are checked against plain sums.
template <class Check>
bool sample(const GemmShape& s, Check&& check) {
  RandomStream random(2, 0, stream_id("bench.sample"));
  for (int i = 0; i < 200; ++i) {
    if (!check(random.below(s.m), random.below(s.n))) return false;
  }
  return true;
}

auto wrong(const GemmShape& s, const char* what) {
  return fail(ErrorCode::kInternal,
              fmt::format("{} product {}x{}x{} is wrong", what, s.m, s.n, s.k));
}

Result<GemmRow> f32_row(const GemmShape& s, std::uint32_t repeats, const Peers& peers) {
  RandomStream random(1, 0, stream_id("bench.gemm"));
  const auto draw = [&](std::size_t n) {
    gpu::AlignedVector<float> v(n);
    for (float& x : v) {
      x = static_cast<float>(static_cast<std::int32_t>(random.next() >> 32)) * 0x1p-31f;
    }
    return v;
  };
  const auto a = draw(std::size_t{s.m} * s.k);
  const auto b = draw(std::size_t{s.n} * s.k);
  gpu::AlignedVector<float> c(std::size_t{s.m} * s.n);
  gpu::AlignedVector<float> d(c.size());
  gpu::F32Gemm gemm(gpu::available_kernels().back());
  const auto ours = [&] {
    gemm.multiply({s.m, s.n, s.k, gpu::by_rows(a.data(), s.k), gpu::transposed(b.data(), s.k),
                   c.data(), s.n});
  };
  std::function<void()> theirs;
  if (peers.has_f32()) {
    theirs = [&] {
      peers.multiply(PeerProduct<float, float>{s.m, s.n, s.k, a.data(), b.data(), d.data()});
    };
  }
  const Speeds speeds = measure(s, repeats, ours, theirs);
  const bool exact = sample(s, [&](std::size_t m, std::size_t n) {
    float acc = 0;
    float size = 0;
    for (std::size_t k = 0; k < s.k; ++k) {
      acc = std::fma(a[m * s.k + k], b[n * s.k + k], acc);
      size += std::fabs(a[m * s.k + k] * b[n * s.k + k]);
    }
    const float ours_here = c[m * s.n + n];
    return ours_here == acc && (!theirs || std::fabs(d[m * s.n + n] - acc) <= 1e-3f * size);
  });
  if (!exact) return wrong(s, "f32");
  GemmRow row{"f32", s, speeds.ours, "", {}};
  if (theirs) row.peer = peers.f32_name(), row.peer_gops = speeds.peer;
  return row;
}

Result<GemmRow> int8_row(const GemmShape& s, std::uint32_t repeats, const Peers& peers) {
  RandomStream random(1, 0, stream_id("bench.gemm"));
  const auto draw = [&](std::size_t n) {
    gpu::AlignedVector<std::int8_t> v(n);
    for (auto& x : v) x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
    return v;
  };
  const std::uint32_t stride = (s.k + 63) / 64 * 64;
  const auto a = draw(std::size_t{s.m} * s.k);
  const auto b = draw(std::size_t{s.n} * s.k);
  gpu::QuantMatrix matrix(s.n, s.k);
  for (std::uint32_t n = 0; n < s.n; ++n) {
    matrix.set_row(n, std::span(b).subspan(std::size_t{n} * s.k, s.k), {});
  }
  gpu::AlignedVector<std::uint8_t> rows(std::size_t{s.m} * stride);
  for (std::uint32_t m = 0; m < s.m; ++m) {
    for (std::uint32_t k = 0; k < s.k; ++k) {
      rows[std::size_t{m} * stride + k] = gpu::biased(a[std::size_t{m} * s.k + k]);
    }
  }
  const std::uint32_t c_stride = matrix.panels() * gpu::QuantMatrix::kPanel;
  gpu::AlignedVector<std::int32_t> c(std::size_t{s.m} * c_stride);
  gpu::AlignedVector<std::int32_t> d(std::size_t{s.m} * s.n);
  const gpu::Kernel kernel = gpu::available_kernels().back();
  const auto ours = [&] {
    gpu::multiply(kernel, matrix, {rows.data(), s.m, stride}, c.data(), c_stride);
  };
  std::function<void()> theirs;
  if (peers.has_int8()) {
    theirs = [&] {
      peers.multiply(
          PeerProduct<std::int8_t, std::int32_t>{s.m, s.n, s.k, a.data(), b.data(), d.data()});
    };
  }
  const Speeds speeds = measure(s, repeats, ours, theirs);
  bool exact = sample(s, [&](std::size_t m, std::size_t n) {
    std::int32_t acc = 0;
    for (std::size_t k = 0; k < s.k; ++k) acc += a[m * s.k + k] * b[n * s.k + k];
    return acc == c[m * c_stride + n];
  });
  for (std::size_t m = 0; theirs && m < s.m; ++m) {
    exact = exact && std::equal(d.begin() + static_cast<std::ptrdiff_t>(m * s.n),
                                d.begin() + static_cast<std::ptrdiff_t>((m + 1) * s.n),
                                c.begin() + static_cast<std::ptrdiff_t>(m * c_stride));
  }
  if (!exact) return wrong(s, "int8");
  GemmRow row{"int8", s, speeds.ours, "", {}};
  if (theirs) row.peer = "oneDNN", row.peer_gops = speeds.peer;
  return row;
}

}  // namespace

Result<std::vector<GemmRow>> bench_gemm(const GemmBench& options) {
  std::vector<GemmShape> shapes{{1, 2048, 2048}, {8, 2048, 2048},    {64, 2048, 2048},
                                {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048},
                                {256, 768, 288}};
  if (!options.shapes.empty()) shapes.clear();
  for (const std::string& text : options.shapes) {
    ASSIGN_OR_RETURN(const GemmShape shape, parse_shape(text));
    shapes.push_back(shape);
  }
  if (options.repeats == 0)
    return fail(ErrorCode::kInvalidArgument, "repeats is 0; take at least 1");
  const Peers peers;
  std::vector<GemmRow> rows;
  for (const GemmShape& shape : shapes) {
    ASSIGN_OR_RETURN(GemmRow f32, f32_row(shape, options.repeats, peers));
    rows.push_back(std::move(f32));
    ASSIGN_OR_RETURN(GemmRow int8, int8_row(shape, options.repeats, peers));
    rows.push_back(std::move(int8));
  }
  return rows;
}

}  // namespace orrery::model
