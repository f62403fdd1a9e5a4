#include "gpu/cuda/host_accelerator.h"

#include <cstring>
#include <new>

#include "engine/base/ensure.h"
#include "gpu/api/fast_products.h"
#include "gpu/cuda/host_lanes.h"

namespace orrery::gpu {
namespace {

constexpr std::align_val_t kAlignment{256};

enum class Order : std::uint8_t { kFirstToLast, kLastToFirst };

// One lane an item.
template <class Body>
[[gnu::always_inline]] inline void alone(const Body& body, std::uint32_t items, Order order) {
  for (std::uint32_t i = 0; i < items; ++i) {
    body(exact::Solo{}, order == Order::kFirstToLast ? i : items - 1 - i);
  }
}

#if defined(__x86_64__)
// A fused multiply-add is an instruction here and a call of a function elsewhere: training takes a
// sixth of the time.
template <class Body>
[[gnu::target("avx2,fma")]] void alone_with_fma(const Body& body, std::uint32_t items,
                                                Order order) {
  alone(body, items, order);
}
bool has_fma() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

template <class Body>
void run_alone(const Body& body, std::uint32_t items, Order order) {
#if defined(__x86_64__)
  if (has_fma()) return alone_with_fma(body, items, order);
#endif
  alone(body, items, order);
}

// Items first to last, one lane each.
struct Plain {
  template <class Body>
  void operator()(const Body& body, std::uint32_t items) const {
    run_alone(body, items, Order::kFirstToLast);
  }
  void multiply(const DeviceProduct& p) const {
    (*this)(bodies::ProductColumn{p.matrix, p.q, p.q_stride, p.rows, p.acc, p.acc_stride},
            bodies::ProductColumn::items(p.matrix.rows, p.rows));
  }
};

// Items last to first: no item may wait for another of the same kernel.
struct Scrambled {
  HostLanes lanes;

  template <class Body>
  void operator()(const Body& body, std::uint32_t items) const {
    if constexpr (Body::kLanes == bodies::Lanes::kThread) {
      run_alone(body, items, Order::kLastToFirst);
    } else {
      for (std::uint32_t i = items; i-- > 0;) body(lanes, i);
    }
  }
  void multiply(const DeviceProduct& p) const {
    (*this)(bodies::ProductColumn{p.matrix, p.q, p.q_stride, p.rows, p.acc, p.acc_stride},
            bodies::ProductColumn::items(p.matrix.rows, p.rows));
  }
};

}  // namespace

HostAccelerator::HostAccelerator(std::uint32_t lanes) : lanes_(lanes) {
  ENSURE(lanes >= 1 && lanes <= HostLanes::kMost && (lanes & (lanes - 1)) == 0,
         "lanes are a power of two");
}

Result<std::byte*> HostAccelerator::allocate(std::size_t bytes) {
  void* memory = ::operator new(bytes, kAlignment);
  std::memset(memory, 0, bytes);
  return static_cast<std::byte*>(memory);
}

void HostAccelerator::release(std::byte* memory) { ::operator delete(memory, kAlignment); }

void HostAccelerator::upload(void* to, ByteView from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

void HostAccelerator::download(std::span<std::uint8_t> to, const void* from) {
  if (!to.empty()) std::memcpy(to.data(), from, to.size());
}

void HostAccelerator::step(const StepView& view, std::span<const LayerView> layers) {
  if (lanes_ == 1) {
    run_step(Plain{}, view, layers);
  } else {
    run_step(Scrambled{HostLanes(lanes_)}, view, layers);
  }
}

void HostAccelerator::logits(const StepView& view) {
  if (lanes_ == 1) {
    run_logits(Plain{}, view);
  } else {
    run_logits(Scrambled{HostLanes(lanes_)}, view);
  }
}

Status HostAccelerator::multiply_floats(const FloatMatrices& m) {
  const auto element = [&](const void* of, std::size_t at) {
    if (m.type != LtType::kBf16) return static_cast<const float*>(of)[at];
    return from_bf16(static_cast<const std::uint16_t*>(of)[at]);
  };
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t n = 0; n < m.outputs; ++n) {
      float sum = 0;
      for (std::size_t k = 0; k < m.inputs; ++k) {
        sum += element(m.x, r * m.inputs + k) * element(m.weights, n * m.inputs + k);
      }
      m.y[r * m.outputs + n] = sum;
    }
  }
  return {};
}

void HostAccelerator::run(const DeviceKernel& kernel) {
  const auto run_body = [&](const auto& body) {
    if (lanes_ == 1) {
      Plain{}(body, body.items());
    } else {
      Scrambled{HostLanes(lanes_)}(body, body.items());
    }
  };
  std::visit(run_body, kernel);
}

void HostAccelerator::multiply(const DeviceProduct& product) { Plain{}.multiply(product); }

}  // namespace orrery::gpu
