#include "gpu/cuda/device_products.h"

#include "engine/base/ensure.h"

namespace orrery::gpu {
namespace {

template <class T>
ByteView view_of(std::span<const T> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

}  // namespace

DeviceProducts::DeviceProducts(Accelerator& accelerator, LtType type)
    : accelerator_(accelerator), type_(type) {
  ENSURE(type != LtType::kInt8, "a type of floats");
}

std::size_t DeviceProducts::bytes_of(std::size_t values) const {
  return round_up(values * (type_ == LtType::kBf16 ? 2 : 4), std::size_t{256});
}

void DeviceProducts::upload(std::byte* to, std::span<const float> values) {
  if (type_ != LtType::kBf16) return accelerator_.upload(to, view_of(values));
  narrow_.clear();
  for (const float v : values) narrow_.push_back(to_bf16(v));
  accelerator_.upload(to, view_of<std::uint16_t>(narrow_));
}

Result<const std::byte*> DeviceProducts::weights_of(const FastProduct& p) {
  const auto known = weights_.find(p.weights);
  if (known != weights_.end()) return known->second.memory();
  const std::size_t count = std::size_t{p.outputs} * p.inputs;
  ASSIGN_OR_RETURN(Arena arena, Arena::make(accelerator_, bytes_of(count)));
  upload(arena.memory(), {p.weights, count});
  TRY(accelerator_.finish());  // before the narrowed copy is used again
  return weights_.emplace(p.weights, std::move(arena)).first->second.memory();
}

Status DeviceProducts::multiply(const FastProduct& p) {
  ASSIGN_OR_RETURN(const std::byte* weights, weights_of(p));
  const std::size_t in = bytes_of(std::size_t{p.rows} * p.inputs);
  const std::size_t out = std::size_t{p.rows} * p.outputs * sizeof(float);
  if (in + out > scratch_bytes_) {
    scratch_ = Arena();
    scratch_bytes_ = 0;
    ASSIGN_OR_RETURN(scratch_, Arena::make(accelerator_, in + out));
    scratch_bytes_ = in + out;
  }
  auto* y = reinterpret_cast<float*>(scratch_.memory() + in);
  upload(scratch_.memory(), {p.x, std::size_t{p.rows} * p.inputs});
  TRY(accelerator_.multiply_floats(
      {type_, weights, scratch_.memory(), y, p.outputs, p.inputs, p.rows}));
  accelerator_.download({reinterpret_cast<std::uint8_t*>(p.y), out}, y);
  return accelerator_.finish();
}

}  // namespace orrery::gpu
