// Matrix products of cuBLASLt. The library is looked up when a device is opened: it is half a
// gigabyte that no other process should load, and without it our own kernel serves. No CUDA type
// here, so that the header is the same in every build.
#pragma once

#include <cstdint>
#include <memory>

namespace orrery::gpu {

enum class LtType : std::uint8_t {
  kInt8,  // int8 x int8 -> int32
  kBf16,  // bf16 x bf16 -> f32; floats are of the numeric class fast only
  kTf32,  // f32 x f32 -> f32 through TF32
  kF32,   // f32 x f32 -> f32
};

// C (n x m, columns ldc apart) = A^T (k x n, columns lda apart) * B (k x m, columns ldb apart), all
// in column-major terms, which is the "TN" form that int8 tensor cores take: in ours, output n of
// row m is the product of row n of the weights and row m of the activations.
struct LtShape {
  LtType type;
  std::uint32_t n;
  std::uint32_t m;
  std::uint32_t k;
  std::uint32_t lda;
  std::uint32_t ldb;
  std::uint32_t ldc;
  friend bool operator==(const LtShape&, const LtShape&) = default;
};

struct LtOperands {
  const void* a;
  const void* b;
  void* c;
};

// Owned by one accelerator, which owns the stream.
class LtProducts {
 public:
  // Null if the library is not found or does not start.
  static std::unique_ptr<LtProducts> load(void* stream);
  ~LtProducts();

  // Whether the library has an algorithm for the shape. Looks it up once.
  bool prepare(const LtShape& shape);
  // The next of the library's proposals for the shape; false if there is none.
  bool next_algorithm(const LtShape& shape);
  // Never again: the shape failed its test.
  void forbid(const LtShape& shape);
  // Enqueues the product; false (and nothing enqueued) for shapes that are not prepared, forbidden
  // or refused by the library.
  bool multiply(const LtShape& shape, const LtOperands& operands);

 private:
  struct Impl;
  explicit LtProducts(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::gpu
