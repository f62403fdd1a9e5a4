#include "gpu/cuda/cuda_device.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gpu/cuda/cuda_groups.cuh"
#include "gpu/cuda/device_backend.h"
#include "gpu/cuda/lt_products.h"
#include "gpu/cuda/self_test.h"

namespace orrery::gpu {
namespace {

// Steps of at most so many rows are captured once and replayed: decoding launches some ten kernels
// a layer, which cost more to enqueue than to run.
constexpr std::uint32_t kReplayedRows = 64;
constexpr std::size_t kMostGraphs = 64;  // then all are made anew
// Up to here our own kernel streams the weights once for all rows; tensor cores would multiply
// padding. A lead, to be set by `orrery bench gpu` on a device.
constexpr std::uint32_t kOwnRows = bodies::ProductColumn::kRows;

Status status_of(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return {};
  const ErrorCode code =
      error == cudaErrorMemoryAllocation ? ErrorCode::kUnsupported : ErrorCode::kInternal;
  return fail(code, std::string("CUDA: ") + what + ": " + cudaGetErrorString(error));
}

class CudaAccelerator final : public Accelerator {
 public:
  static Result<std::unique_ptr<Accelerator>> open() {
    ASSIGN_OR_RETURN(const CudaDevice device, find_cuda_device());
    std::unique_ptr<CudaAccelerator> made(new CudaAccelerator);
    made->blocks_ = device.multiprocessors * (2048 / kBlock);
    TRY(status_of(cudaStreamCreateWithFlags(&made->stream_, cudaStreamNonBlocking), "a stream"));
    made->lt_ = LtProducts::load(made->stream_);
    return made;
  }

  ~CudaAccelerator() override {
    forget_graphs();
    lt_.reset();
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }

  std::string_view name() const override { return "cuda"; }

  Result<std::byte*> allocate(std::size_t bytes) override {
    void* memory = nullptr;
    TRY(status_of(cudaMalloc(&memory, bytes), "allocating memory"));
    note(cudaMemsetAsync(memory, 0, bytes, stream_), "clearing memory");
    return static_cast<std::byte*>(memory);
  }

  void release(std::byte* memory) override {
    forget_graphs();
    note(cudaStreamSynchronize(stream_), "waiting for kernels");
    cudaFree(memory);
  }

  void upload(void* to, ByteView from) override {
    if (from.empty()) return;
    note(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream_),
         "copying to the device");
  }

  void download(std::span<std::uint8_t> to, const void* from) override {
    note(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, stream_),
         "copying from the device");
    note(cudaStreamSynchronize(stream_), "waiting for kernels");
  }

  Status prepare(std::span<const DeviceProduct> products) override;

  void step(const StepView& view, std::span<const LayerView> layers) override {
    replay({view.residual, view.kept, view.leaves, view.rows, false},
           [&] { run_step(Launch{*this}, view, layers); });
  }
  void logits(const StepView& view) override {
    replay({view.residual, nullptr, nullptr, view.rows, true},
           [&] { run_logits(Launch{*this}, view); });
  }

  void run(const DeviceKernel& kernel) override {
    std::visit([&](const auto& body) { launch(body, body.items()); }, kernel);
  }

  Status multiply_floats(const FloatMatrices& m) override {
    const LtShape shape{m.type, m.outputs, m.rows, m.inputs, m.inputs, m.inputs, m.outputs};
    if (lt_ != nullptr && lt_->prepare(shape) && lt_->multiply(shape, {m.weights, m.x, m.y})) {
      return {};
    }
    return fail(ErrorCode::kUnsupported,
                "CUDA: cuBLASLt is not found or refuses this product; take --device cpu");
  }

  Status finish() override {
    note(cudaStreamSynchronize(stream_), "waiting for kernels");
    return status_;
  }

 private:
  // The launcher of step_program.h.
  struct Launch {
    CudaAccelerator& device;

    template <class Body>
    void operator()(const Body& body, std::uint32_t items) const {
      device.launch(body, items);
    }
    void multiply(const DeviceProduct& p) const { device.multiply(p); }
  };
  // Work that is the same each time: what differs between steps lies in memory.
  struct Work {
    const void* buffers;
    const void* kept;
    const void* leaves;
    std::uint32_t rows;
    bool logits;
    friend bool operator==(const Work&, const Work&) = default;
  };
  struct Graph {
    Work work;
    cudaGraphExec_t graph;  // null after the first run
  };

  CudaAccelerator() = default;

  void note(cudaError_t error, const char* what) {
    if (Status status = status_of(error, what); !status && status_) status_ = std::move(status);
  }

  template <class Body>
  void launch(const Body& body, std::uint32_t items) {
    constexpr std::uint32_t kWarps = kBlock / kWarp;
    const auto grid = [&](std::uint32_t per_block) {
      return std::min((items + per_block - 1) / per_block, blocks_);
    };
    if constexpr (Body::kLanes == bodies::Lanes::kBlock) {
      block_items<<<grid(1), kBlock, 0, stream_>>>(body, items);
    } else if constexpr (Body::kLanes == bodies::Lanes::kWarp) {
      warp_items<<<grid(kWarps), kBlock, 0, stream_>>>(body, items);
    } else {
      thread_items<<<grid(kBlock), kBlock, 0, stream_>>>(body, items);
    }
    note(cudaGetLastError(), "launching a kernel");
  }

  void multiply(const DeviceProduct& p) {
    if (p.rows > kOwnRows && lt_multiply(p, padded_product_rows(p.rows))) return;
    own_multiply(p);
  }
  void own_multiply(const DeviceProduct& p) {
    launch(bodies::ProductColumn{p.matrix, p.q, p.q_stride, p.rows, p.acc, p.acc_stride},
           bodies::ProductColumn::items(p.matrix.rows, p.rows));
  }
  bool lt_multiply(const DeviceProduct& p, std::uint32_t padded) {
    return lt_ != nullptr && lt_->multiply(lt_shape(p, padded), {p.matrix.weights, p.q, p.acc});
  }
  static LtShape lt_shape(const DeviceProduct& p, std::uint32_t padded) {
    return {LtType::kInt8,   p.matrix.padded_rows(), padded,
            p.matrix.stride, p.matrix.stride,        p.q_stride,
            p.acc_stride};
  }

  // Runs the work; if it is small, it is captured when it comes again (the first run loads kernels,
  // which a capture must not) and replayed from then on.
  template <class Function>
  void replay(const Work& work, const Function& run) {
    if (work.rows > kReplayedRows) return run();
    Graph* known = nullptr;
    for (Graph& graph : graphs_) {
      if (graph.work == work) known = &graph;
    }
    if (known == nullptr) {
      if (graphs_.size() == kMostGraphs) forget_graphs();
      graphs_.push_back({work, nullptr});
      return run();
    }
    if (known->graph == nullptr) known->graph = capture(run);
    if (known->graph != nullptr) note(cudaGraphLaunch(known->graph, stream_), "launching a graph");
  }

  template <class Function>
  cudaGraphExec_t capture(const Function& run) {
    note(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "capturing a graph");
    run();
    cudaGraph_t captured = nullptr;
    note(cudaStreamEndCapture(stream_, &captured), "capturing a graph");
    if (captured == nullptr) return nullptr;
    cudaGraphExec_t graph = nullptr;
    note(cudaGraphInstantiate(&graph, captured, 0), "making a graph");
    cudaGraphDestroy(captured);
    return graph;
  }

  void forget_graphs() {
    for (const Graph& known : graphs_) {
      if (known.graph != nullptr) cudaGraphExecDestroy(known.graph);
    }
    graphs_.clear();
  }

  // Runs one way of multiplying in the product's buffers; true if the results are right.
  template <class Multiply>
  Result<bool> passes(const ProductTest& test, const DeviceProduct& p, std::uint32_t rows,
                      const Multiply& multiply) {
    const auto* q = reinterpret_cast<const std::uint8_t*>(test.q().data());
    upload(const_cast<std::int8_t*>(p.q), {q, test.q().size()});
    if (!multiply()) return false;
    std::vector<std::int32_t> acc(std::size_t{rows} * p.acc_stride);
    download({reinterpret_cast<std::uint8_t*>(acc.data()), acc.size() * 4}, p.acc);
    TRY(finish());
    return test.passes(acc, p.acc_stride);
  }
  Status prepare_rows(const DeviceProduct& p, const DeviceMatrix& on_host, std::uint32_t padded);

  cudaStream_t stream_ = nullptr;
  std::uint32_t blocks_ = 1;  // that fill the device
  std::unique_ptr<LtProducts> lt_;
  std::vector<Graph> graphs_;
  std::vector<LtShape> prepared_;
  Status status_;
};

Status CudaAccelerator::prepare(std::span<const DeviceProduct> products) {
  for (const DeviceProduct& p : products) {
    const LtShape whole = lt_shape(p, padded_product_rows(p.rows));
    if (std::find(prepared_.begin(), prepared_.end(), whole) != prepared_.end()) continue;
    prepared_.push_back(whole);
    std::vector<std::int8_t> weights(std::size_t{p.matrix.padded_rows()} * p.matrix.stride);
    download({reinterpret_cast<std::uint8_t*>(weights.data()), weights.size()}, p.matrix.weights);
    DeviceMatrix on_host = p.matrix;
    on_host.weights = weights.data();
    for (std::uint32_t rows = kLeastProductRows; rows <= whole.m; rows *= 2) {
      TRY(prepare_rows(p, on_host, rows));
    }
  }
  return finish();
}

Status CudaAccelerator::prepare_rows(const DeviceProduct& p, const DeviceMatrix& on_host,
                                     std::uint32_t padded) {
  const ProductTest test(on_host, padded, p.q_stride);
  DeviceProduct own = p;
  own.rows = padded;
  ASSIGN_OR_RETURN(const bool right, passes(test, p, padded, [&] {
                     own_multiply(own);
                     return true;
                   }));
  if (!right) {
    return fail(ErrorCode::kInternal,
                "CUDA: this device's kernel gives wrong integer products; take --device cpu");
  }
  const LtShape shape = lt_shape(p, padded);
  bool more = lt_ != nullptr && lt_->prepare(shape);
  while (more) {
    ASSIGN_OR_RETURN(const bool good,
                     passes(test, p, padded, [&] { return lt_multiply(p, padded); }));
    if (good) return {};
    more = lt_->next_algorithm(shape);
  }
  if (lt_ != nullptr) lt_->forbid(shape);
  return {};
}

}  // namespace

Result<CudaDevice> find_cuda_device() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    const char* why = error == cudaSuccess ? "the driver shows none"
                      : driver == 0        ? "no NVIDIA driver is loaded"
                                           : cudaGetErrorString(error);
    return fail(ErrorCode::kUnsupported, std::string("no CUDA device: ") + why);
  }
  cudaDeviceProp properties{};
  TRY(status_of(cudaGetDeviceProperties(&properties, 0), "asking for the device"));
  const auto attribute = [](cudaDeviceAttr which) {
    int value = 0;
    return cudaDeviceGetAttribute(&value, which, 0) == cudaSuccess
               ? static_cast<std::uint32_t>(value)
               : 0u;
  };
  return CudaDevice{.name = properties.name,
                    .major = static_cast<std::uint32_t>(properties.major),
                    .minor = static_cast<std::uint32_t>(properties.minor),
                    .multiprocessors = static_cast<std::uint32_t>(properties.multiProcessorCount),
                    .memory_bytes = properties.totalGlobalMem,
                    .clock_khz = attribute(cudaDevAttrClockRate),
                    .memory_clock_khz = attribute(cudaDevAttrMemoryClockRate),
                    .memory_bus_bits = attribute(cudaDevAttrGlobalMemoryBusWidth)};
}

Result<std::unique_ptr<Accelerator>> open_cuda_accelerator() { return CudaAccelerator::open(); }

Result<std::unique_ptr<Backend>> open_cuda_backend() {
  TRY(find_cuda_device());
  return std::make_unique<DeviceBackend>("cuda", open_cuda_accelerator);
}

}  // namespace orrery::gpu
