#include "gpu/cuda/lt_products.h"

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <dlfcn.h>

#include <string>
#include <vector>

namespace orrery::gpu {
namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20;  // what Hopper's kernels are given
constexpr int kProposals = 8;

// The functions that are used, by their names in the library.
struct Library {
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtDestroy) destroy;
  decltype(&cublasLtMatmul) matmul;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
  decltype(&cublasLtMatmulDescCreate) desc_create;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set;
  decltype(&cublasLtMatrixLayoutCreate) layout_create;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;

  bool load() {
    void* handle = nullptr;
    const std::string file = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
    for (const std::string& path : {file, ORRERY_CUDA_LIBRARIES "/" + file}) {
      if (handle == nullptr) handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    if (handle == nullptr) return false;
    bool all = true;
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
      all = all && function != nullptr;
    };
    find(create, "cublasLtCreate");
    find(destroy, "cublasLtDestroy");
    find(matmul, "cublasLtMatmul");
    find(heuristic, "cublasLtMatmulAlgoGetHeuristic");
    find(desc_create, "cublasLtMatmulDescCreate");
    find(desc_destroy, "cublasLtMatmulDescDestroy");
    find(desc_set, "cublasLtMatmulDescSetAttribute");
    find(layout_create, "cublasLtMatrixLayoutCreate");
    find(layout_destroy, "cublasLtMatrixLayoutDestroy");
    find(preference_create, "cublasLtMatmulPreferenceCreate");
    find(preference_destroy, "cublasLtMatmulPreferenceDestroy");
    find(preference_set, "cublasLtMatmulPreferenceSetAttribute");
    return all;
  }
};

struct Types {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  cudaDataType_t in;
  cudaDataType_t out;
};
Types types_of(LtType type) {
  switch (type) {
    case LtType::kInt8: return {CUBLAS_COMPUTE_32I, CUDA_R_32I, CUDA_R_8I, CUDA_R_32I};
    case LtType::kBf16: return {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_32F};
    case LtType::kTf32: return {CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F};
    case LtType::kF32: break;
  }
  return {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F};
}

struct Plan {
  LtShape shape;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t a = nullptr;
  cublasLtMatrixLayout_t b = nullptr;
  cublasLtMatrixLayout_t c = nullptr;
  std::vector<cublasLtMatmulHeuristicResult_t> proposals;
  std::size_t taken = 0;  // of the proposals; past the last: none is any good
};

}  // namespace

struct LtProducts::Impl {
  Library lib;
  cudaStream_t stream = nullptr;
  cublasLtHandle_t handle = nullptr;
  void* workspace = nullptr;
  std::vector<Plan> plans;

  Plan* find(const LtShape& shape) {
    for (Plan& plan : plans) {
      if (plan.shape == shape) return &plan;
    }
    return nullptr;
  }

  bool describe(Plan& plan) {
    const LtShape& s = plan.shape;
    const Types t = types_of(s.type);
    const cublasOperation_t transposed = CUBLAS_OP_T;
    return lib.desc_create(&plan.desc, t.compute, t.scale) == CUBLAS_STATUS_SUCCESS &&
           lib.desc_set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed)) ==
               CUBLAS_STATUS_SUCCESS &&
           lib.layout_create(&plan.a, t.in, s.k, s.n, s.lda) == CUBLAS_STATUS_SUCCESS &&
           lib.layout_create(&plan.b, t.in, s.k, s.m, s.ldb) == CUBLAS_STATUS_SUCCESS &&
           lib.layout_create(&plan.c, t.out, s.n, s.m, s.ldc) == CUBLAS_STATUS_SUCCESS;
  }

  void look_up(Plan& plan) {
    if (!describe(plan)) return;
    cublasLtMatmulPreference_t preference = nullptr;
    if (lib.preference_create(&preference) != CUBLAS_STATUS_SUCCESS) return;
    lib.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspace,
                       sizeof(kWorkspace));
    plan.proposals.resize(kProposals);
    int found = 0;
    const auto status = lib.heuristic(handle, plan.desc, plan.a, plan.b, plan.c, plan.c, preference,
                                      kProposals, plan.proposals.data(), &found);
    lib.preference_destroy(preference);
    plan.proposals.resize(status == CUBLAS_STATUS_SUCCESS ? static_cast<std::size_t>(found) : 0);
    std::erase_if(plan.proposals, [](const auto& p) { return p.state != CUBLAS_STATUS_SUCCESS; });
  }

  ~Impl() {
    for (Plan& plan : plans) {
      if (plan.desc != nullptr) lib.desc_destroy(plan.desc);
      for (cublasLtMatrixLayout_t layout : {plan.a, plan.b, plan.c}) {
        if (layout != nullptr) lib.layout_destroy(layout);
      }
    }
    if (workspace != nullptr) cudaFree(workspace);
    if (handle != nullptr) lib.destroy(handle);
  }
};

LtProducts::LtProducts(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LtProducts::~LtProducts() = default;

std::unique_ptr<LtProducts> LtProducts::load(void* stream) {
  auto impl = std::make_unique<Impl>();
  impl->stream = static_cast<cudaStream_t>(stream);
  if (!impl->lib.load()) return nullptr;
  if (impl->lib.create(&impl->handle) != CUBLAS_STATUS_SUCCESS) return nullptr;
  if (cudaMalloc(&impl->workspace, kWorkspace) != cudaSuccess) return nullptr;
  return std::unique_ptr<LtProducts>(new LtProducts(std::move(impl)));
}

bool LtProducts::prepare(const LtShape& shape) {
  Plan* plan = impl_->find(shape);
  if (plan == nullptr) {
    plan = &impl_->plans.emplace_back(Plan{.shape = shape});
    impl_->look_up(*plan);
  }
  return plan->taken < plan->proposals.size();
}

bool LtProducts::next_algorithm(const LtShape& shape) {
  Plan* plan = impl_->find(shape);
  if (plan == nullptr || plan->taken >= plan->proposals.size()) return false;
  return ++plan->taken < plan->proposals.size();
}

void LtProducts::forbid(const LtShape& shape) {
  if (Plan* plan = impl_->find(shape)) plan->taken = plan->proposals.size();
}

bool LtProducts::multiply(const LtShape& shape, const LtOperands& operands) {
  const Plan* plan = impl_->find(shape);
  if (plan == nullptr || plan->taken >= plan->proposals.size()) return false;
  const std::int32_t integers[] = {1, 0};
  const float floats[] = {1, 0};
  const bool exact = shape.type == LtType::kInt8;
  const void* alpha = exact ? static_cast<const void*>(&integers[0]) : &floats[0];
  const void* beta = exact ? static_cast<const void*>(&integers[1]) : &floats[1];
  return impl_->lib.matmul(impl_->handle, plan->desc, alpha, operands.a, plan->a, operands.b,
                           plan->b, beta, operands.c, plan->c, operands.c, plan->c,
                           &plan->proposals[plan->taken].algo, impl_->workspace, kWorkspace,
                           impl_->stream) == CUBLAS_STATUS_SUCCESS;
}

}  // namespace orrery::gpu
