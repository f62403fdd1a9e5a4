// Groups of lanes of a CUDA device (gpu/api/exact/group.h) and the kernels that run bodies on them.
// Their functions are marked for host and device, because bodies are; only the device's have code.
#pragma once

#include <cstdint>

#include "gpu/api/exact/group.h"

namespace orrery::gpu {

inline constexpr int kWarp = 32;
inline constexpr int kBlock = 256;  // threads of a block in every kernel

struct FoldMax {
  template <class T>
  ORRERY_HOST_DEVICE T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct FoldSum {
  template <class T>
  ORRERY_HOST_DEVICE T operator()(T a, T b) const {
    return a + b;
  }
};

#if defined(__CUDA_ARCH__)
// Folds over the lanes of a warp; every lane gets the result.
template <class T, class Fold>
__device__ T fold_warp(T v, Fold fold) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    v = fold(v, __shfl_xor_sync(0xffffffffu, v, step));
  }
  return v;
}

template <class T, class Fold>
__device__ T fold_block(T v, Fold fold) {
  __shared__ T parts[kBlock / kWarp];
  v = fold_warp(v, fold);
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = v;
  __syncthreads();
  T all = parts[0];
  for (int w = 1; w < kBlock / kWarp; ++w) all = fold(all, parts[w]);
  __syncthreads();  // before the next fold writes
  return all;
}

inline __device__ void add_to(std::uint64_t* counter, std::uint64_t v) {
  if (v != 0) atomicAdd(reinterpret_cast<unsigned long long*>(counter), v);
}
#endif

// Kind: where a lane stands, how lanes wait for each other and fold.
template <class Kind>
struct DeviceGroup {
  template <class Function>
  ORRERY_HOST_DEVICE void each(std::int32_t n, const Function& f) const {
#if defined(__CUDA_ARCH__)
    for (std::int32_t i = Kind::lane(); i < n; i += Kind::kLanes) f(i);
    Kind::wait();
#endif
  }
  template <class Function>
  ORRERY_HOST_DEVICE auto max(std::int32_t n, const Function& f) const {
    auto top = decltype(f(n)){0};
#if defined(__CUDA_ARCH__)
    for (std::int32_t i = Kind::lane(); i < n; i += Kind::kLanes) top = FoldMax{}(top, f(i));
    top = Kind::fold(top, FoldMax{});
#endif
    return top;
  }
  template <class T, class Function>
  ORRERY_HOST_DEVICE T sum(std::int32_t n, const Function& f) const {
    T total = 0;
#if defined(__CUDA_ARCH__)
    for (std::int32_t i = Kind::lane(); i < n; i += Kind::kLanes) total += f(i);
    total = Kind::fold(total, FoldSum{});
#endif
    return total;
  }
  template <class T, int R, class Function>
  ORRERY_HOST_DEVICE void sums(std::int32_t n, T (&out)[R], const Function& f) const {
    for (int r = 0; r < R; ++r) out[r] = 0;
#if defined(__CUDA_ARCH__)
    for (std::int32_t i = Kind::lane(); i < n; i += Kind::kLanes) f(i, out);
    for (int r = 0; r < R; ++r) out[r] = Kind::fold(out[r], FoldSum{});
#endif
  }
  // A lane of a warp keeps the partial sum of its number, and the fold is the tree: addition
  // commutes, so that all lanes get the same bits.
  template <class Function>
  ORRERY_HOST_DEVICE float sum_f32(std::int32_t n, const Function& f) const {
    static_assert(Kind::kLanes == kSumLanes, "sums of floats are a warp's");
    return sum<float>(n, f);
  }
  template <class Function>
  ORRERY_HOST_DEVICE void one(const Function& f) const {
#if defined(__CUDA_ARCH__)
    if (Kind::lane() == 0) f();
    Kind::wait();
#endif
  }
  ORRERY_HOST_DEVICE void add(std::uint64_t* counter, std::uint64_t v) const {
#if defined(__CUDA_ARCH__)
    if (Kind::lane() == 0) add_to(counter, v);
#endif
  }
};

#if defined(__CUDA_ARCH__)
#define ORRERY_DEVICE_ONLY(...) __VA_ARGS__
#else
#define ORRERY_DEVICE_ONLY(...)
#endif

struct WarpKind {
  static constexpr int kLanes = kWarp;
  ORRERY_DEVICE_ONLY(
      static __device__ int lane() {
        return static_cast<int>(threadIdx.x % kWarp);
      } static __device__ void wait() { __syncwarp(); } template <class T, class Fold>
      static __device__ T fold(T v, Fold f) {
        v = fold_warp(v, f);
        __syncwarp();  // what the sweep wrote is visible, as after a block's
        return v;
      })
};
struct BlockKind {
  static constexpr int kLanes = kBlock;
  ORRERY_DEVICE_ONLY(
      static __device__ int lane() {
        return static_cast<int>(threadIdx.x);
      } static __device__ void wait() { __syncthreads(); } template <class T, class Fold>
      static __device__ T fold(T v, Fold f) { return fold_block(v, f); })
};
#undef ORRERY_DEVICE_ONLY

// Each strides over the items, so that any grid does all of them.
template <class Body>
__global__ void __launch_bounds__(kBlock)
    block_items(const __grid_constant__ Body body, std::uint32_t items) {
  for (std::uint32_t i = blockIdx.x; i < items; i += gridDim.x) body(DeviceGroup<BlockKind>{}, i);
}
template <class Body>
__global__ void __launch_bounds__(kBlock)
    warp_items(const __grid_constant__ Body body, std::uint32_t items) {
  constexpr std::uint32_t kWarps = kBlock / kWarp;
  for (std::uint32_t i = blockIdx.x * kWarps + threadIdx.x / kWarp; i < items;
       i += gridDim.x * kWarps) {
    body(DeviceGroup<WarpKind>{}, i);
  }
}
template <class Body>
__global__ void __launch_bounds__(kBlock)
    thread_items(const __grid_constant__ Body body, std::uint32_t items) {
  for (std::uint32_t i = blockIdx.x * kBlock + threadIdx.x; i < items; i += gridDim.x * kBlock) {
    body(exact::Solo{}, i);
  }
}

}  // namespace orrery::gpu
