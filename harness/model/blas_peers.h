// OpenBLAS and oneDNN, if this machine has them: looked up while running, so that the program
// neither needs them nor starts their threads.
#pragma once

#include <cstdint>
#include <string>

namespace orrery::model {

// Row-major c (m x n) = a (m x k) times the transpose of b (n x k).
template <class In, class Out>
struct PeerProduct {
  std::uint32_t m;
  std::uint32_t n;
  std::uint32_t k;
  const In* a;
  const In* b;
  Out* c;
};

// One thread each. Loading sets the variables that keep the libraries to it, and (whatever it was)
// the core type by which Debian's OpenBLAS, older than some processors, takes its AVX-512 or AVX2
// kernels rather than those of 2004.
class Peers {
 public:
  Peers();
  // Such as "OpenBLAS Cooperlake".
  std::string f32_name() const;
  bool has_f32() const { return sgemm_ != nullptr; }
  bool has_int8() const { return s8gemm_ != nullptr; }
  void multiply(const PeerProduct<float, float>& p) const;
  void multiply(const PeerProduct<std::int8_t, std::int32_t>& p) const;

 private:
  void* sgemm_ = nullptr;      // cblas_sgemm
  void* core_name_ = nullptr;  // openblas_get_corename
  void* s8gemm_ = nullptr;     // dnnl_gemm_s8s8s32
};

}  // namespace orrery::model
