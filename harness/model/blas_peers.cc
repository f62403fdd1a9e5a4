#include "harness/model/blas_peers.h"

#include <dlfcn.h>

#include <cstdlib>

#include "engine/base/ensure.h"

namespace orrery::model {
namespace {

// From cblas.h and oneapi/dnnl/dnnl.h, versions of Debian 12.
using Sgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                       const float* a, int lda, const float* b, int ldb, float beta, float* c,
                       int ldc);
using S8Gemm = int (*)(char trans_a, char trans_b, char offset_c, std::int64_t m, std::int64_t n,
                       std::int64_t k, float alpha, const std::int8_t* a, std::int64_t lda,
                       std::int8_t a_offset, const std::int8_t* b, std::int64_t ldb,
                       std::int8_t b_offset, float beta, std::int32_t* c, std::int64_t ldc,
                       const std::int32_t* c_offset);
constexpr int kRowMajor = 101;
constexpr int kNoTrans = 111;
constexpr int kTrans = 112;

void* symbol(const char* library, const char* name) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  return handle == nullptr ? nullptr : dlsym(handle, name);
}

const char* openblas_core() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return "COOPERLAKE";
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return "SKYLAKEX";
  if (__builtin_cpu_supports("avx2")) return "HASWELL";
#endif
  return nullptr;
}

}  // namespace

Peers::Peers() {
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  setenv("OMP_NUM_THREADS", "1", 0);
  if (const char* core = openblas_core()) setenv("OPENBLAS_CORETYPE", core, 1);
  sgemm_ = symbol("libopenblas.so.0", "cblas_sgemm");
  core_name_ = symbol("libopenblas.so.0", "openblas_get_corename");
  s8gemm_ = symbol("libdnnl.so.2", "dnnl_gemm_s8s8s32");
}

std::string Peers::f32_name() const {
  if (core_name_ == nullptr) return "OpenBLAS";
  return std::string("OpenBLAS ") + reinterpret_cast<const char* (*)()>(core_name_)();
}

void Peers::multiply(const PeerProduct<float, float>& p) const {
  const auto m = static_cast<int>(p.m);
  const auto n = static_cast<int>(p.n);
  const auto k = static_cast<int>(p.k);
  reinterpret_cast<Sgemm>(sgemm_)(kRowMajor, kNoTrans, kTrans, m, n, k, 1.0f, p.a, k, p.b, k, 0.0f,
                                  p.c, n);
}

void Peers::multiply(const PeerProduct<std::int8_t, std::int32_t>& p) const {
  const std::int32_t zero = 0;
  const int status = reinterpret_cast<S8Gemm>(s8gemm_)('N', 'T', 'F', p.m, p.n, p.k, 1.0f, p.a, p.k,
                                                       0, p.b, p.k, 0, 0.0f, p.c, p.n, &zero);
  ENSURE(status == 0, "oneDNN takes the shape");
}

}  // namespace orrery::model
