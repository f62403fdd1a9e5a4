#include "gpu/cuda/cuda_rates.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <vector>

#include "gpu/cuda/cuda_device.h"
#include "gpu/cuda/cuda_groups.cuh"
#include "gpu/cuda/lt_products.h"
#include "gpu/cuda/step_program.h"

namespace orrery::gpu {
namespace {

constexpr std::uint32_t kSide = 8192;         // of square products: far past launch overhead
constexpr std::uint32_t kStreamed = 1 << 16;  // rows of weights of kSide: ten times the cache
constexpr std::uint32_t kOwnRows = bodies::ProductColumn::kRows;
constexpr int kRepeats = 10;
constexpr std::size_t kCopyBytes = std::size_t{1} << 30;  // many times the second-level cache

// Additions and multiplications a clock and multiprocessor, dense, from the vendor's datasheets
// (A100: 624 Top/s int8 at 108 x 1.41 GHz; H100 and H200: 1979 at 132 x 1.83 GHz; bf16 half of it,
// TF32 a quarter).
double int8_ops_per_clock(const CudaDevice& device) {
  if (device.major == 9) return 8192;
  if (device.major == 8 && device.minor == 0) return 4096;
  return 0;
}

Status status_of(cudaError_t error) {
  if (error == cudaSuccess) return {};
  return fail(ErrorCode::kInternal, std::string("CUDA: ") + cudaGetErrorString(error));
}

__global__ void fill_random(std::uint32_t* words, std::size_t count, LtType type) {
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < count;
       i += std::size_t{gridDim.x} * blockDim.x) {
    std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    const auto bits = static_cast<std::uint32_t>((z ^ z >> 27) >> 16);
    const float small = static_cast<float>(bits & 0xffff) / 65536.0f - 0.5f;
    if (type == LtType::kInt8) words[i] = bits;
    if (type == LtType::kTf32) words[i] = __float_as_uint(small);
    if (type == LtType::kBf16) {
      const std::uint32_t half = __float_as_uint(small) >> 16;  // a float's upper half
      words[i] = half | (half ^ 0x8000u) << 16;
    }
  }
}

class Rates {
 public:
  ~Rates() {
    lt_.reset();
    for (void* memory : {a_, b_, c_}) cudaFree(memory);
    if (begin_ != nullptr) cudaEventDestroy(begin_);
    if (end_ != nullptr) cudaEventDestroy(end_);
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }

  Status start() {
    TRY(status_of(cudaStreamCreate(&stream_)));
    TRY(status_of(cudaEventCreate(&begin_)));
    TRY(status_of(cudaEventCreate(&end_)));
    for (void** memory : {&a_, &b_, &c_}) TRY(status_of(cudaMalloc(memory, kCopyBytes)));
    lt_ = LtProducts::load(stream_);
    return {};
  }

  // Seconds of one run, the least of some: what the device does when nothing is in its way.
  template <class Function>
  Result<double> seconds(const Function& run) {
    double least = 0;
    for (int i = 0; i <= kRepeats; ++i) {
      TRY(status_of(cudaEventRecord(begin_, stream_)));
      if (!run()) return 0.0;
      TRY(status_of(cudaEventRecord(end_, stream_)));
      TRY(status_of(cudaEventSynchronize(end_)));
      float ms = 0;
      TRY(status_of(cudaEventElapsedTime(&ms, begin_, end_)));
      if (i == 1 || (i > 1 && ms < least * 1e3)) least = ms / 1e3;  // the first run warms up
    }
    return least;
  }

  void fill(LtType type) {
    for (void* memory : {a_, b_}) {
      fill_random<<<1024, 256, 0, stream_>>>(static_cast<std::uint32_t*>(memory), kCopyBytes / 4,
                                             type);
    }
  }

  Result<double> product(LtType type) {
    const LtShape shape{type, kSide, kSide, kSide, kSide, kSide, kSide};
    if (lt_ == nullptr || !lt_->prepare(shape)) return 0.0;
    fill(type);
    ASSIGN_OR_RETURN(const double s, seconds([&] { return lt_->multiply(shape, {a_, b_, c_}); }));
    return s == 0 ? 0 : 2.0 * kSide * kSide * kSide / s / 1e12;
  }

  // Our kernel where it is used: few rows, where reading the weights is what takes the time.
  Result<double> own_product() {
    fill(LtType::kInt8);
    ASSIGN_OR_RETURN(const double s, seconds([&] { return run_own(kStreamed); }));
    return s == 0 ? 0 : static_cast<double>(kStreamed) * kSide / s / 1e9;
  }

  // Whether the library's int8 products are those of our kernel, in the first rows.
  Result<bool> int8_agrees() {
    const LtShape shape{LtType::kInt8, kSide, kSide, kSide, kSide, kSide, kSide};
    if (lt_ == nullptr || !lt_->prepare(shape)) return true;
    fill(LtType::kInt8);
    const auto first_rows = [&]() -> Result<std::vector<std::int32_t>> {
      std::vector<std::int32_t> rows(std::size_t{kOwnRows} * kSide);
      TRY(status_of(
          cudaMemcpyAsync(rows.data(), c_, rows.size() * 4, cudaMemcpyDeviceToHost, stream_)));
      TRY(status_of(cudaStreamSynchronize(stream_)));
      return rows;
    };
    if (!lt_->multiply(shape, {a_, b_, c_})) return true;
    ASSIGN_OR_RETURN(const auto theirs, first_rows());
    if (!run_own(kSide)) return false;
    ASSIGN_OR_RETURN(const auto ours, first_rows());
    return ours == theirs;
  }

  Result<double> copy() {
    ASSIGN_OR_RETURN(const double s, seconds([&] {
                       return cudaMemcpyAsync(c_, a_, kCopyBytes, cudaMemcpyDeviceToDevice,
                                              stream_) == cudaSuccess;
                     }));
    return s == 0 ? 0 : 2.0 * static_cast<double>(kCopyBytes) / s / 1e9;
  }

 private:
  // Enqueues the product of kOwnRows rows and `outputs` rows of weights.
  bool run_own(std::uint32_t outputs) {
    const DeviceMatrix matrix{
        .weights = static_cast<std::int8_t*>(a_), .rows = outputs, .cols = kSide, .stride = kSide};
    const bodies::ProductColumn body{matrix,   static_cast<std::int8_t*>(b_),  kSide,
                                     kOwnRows, static_cast<std::int32_t*>(c_), outputs};
    const std::uint32_t items = bodies::ProductColumn::items(outputs, kOwnRows);
    warp_items<<<items / (kBlock / kWarp), kBlock, 0, stream_>>>(body, items);
    return cudaGetLastError() == cudaSuccess;
  }

  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
  void* a_ = nullptr;
  void* b_ = nullptr;
  void* c_ = nullptr;
  std::unique_ptr<LtProducts> lt_;
};

}  // namespace

Result<std::vector<CudaRate>> measure_cuda_rates() {
  ASSIGN_OR_RETURN(const CudaDevice device, find_cuda_device());
  Rates rates;
  TRY(rates.start());
  const double int8_peak =
      int8_ops_per_clock(device) * device.multiprocessors * device.clock_khz * 1e3 / 1e12;
  // Two transfers a clock.
  const double memory_peak = 2e3 * device.memory_clock_khz * device.memory_bus_bits / 8 / 1e9;
  std::vector<CudaRate> all;
  const auto add = [&](CudaRate rate) {
    if (rate.measured > 0) all.push_back(std::move(rate));
  };
  ASSIGN_OR_RETURN(const double int8, rates.product(LtType::kInt8));
  add({"int8 product", "Top/s", int8, int8_peak});
  ASSIGN_OR_RETURN(const bool agrees, rates.int8_agrees());
  if (!agrees) return fail(ErrorCode::kInternal, "CUDA: cuBLASLt's int8 products are not ours");
  ASSIGN_OR_RETURN(const double bf16, rates.product(LtType::kBf16));
  add({"bf16 product", "Top/s", bf16, int8_peak / 2});
  ASSIGN_OR_RETURN(const double tf32, rates.product(LtType::kTf32));
  add({"tf32 product", "Top/s", tf32, int8_peak / 4});
  ASSIGN_OR_RETURN(const double own, rates.own_product());
  add({"own int8 kernel, 8 rows: weights", "GB/s", own, memory_peak});
  ASSIGN_OR_RETURN(const double copy, rates.copy());
  add({"copy", "GB/s", copy, memory_peak});
  return all;
}

}  // namespace orrery::gpu
