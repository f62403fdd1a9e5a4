// The forward pass of exact-i8 on the CPU over any number of sequences at once. Rows of one step
// share each pass over the weights; which rows share it, the block size of the caches and the
// number of threads cannot be seen in any result.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/api/aligned.h"
#include "gpu/api/model.h"
#include "gpu/api/transcript.h"
#include "gpu/cpu/gemm.h"
#include "gpu/cpu/kv_cache.h"
#include "gpu/cpu/parallel.h"
#include "gpu/cpu/row_kernels.h"

namespace orrery::gpu {

// One text being decoded.
struct Sequence {
  Sequence(const ModelConfig& config, std::uint32_t capacity, std::uint32_t block = kDefaultKvBlock)
      : cache(config, capacity, block) {}

  KvCache cache;
  std::uint32_t length = 0;  // positions filled
  std::uint64_t clamps = 0;  // see InferenceResult::clamps
};

// Tokens to append to a sequence in one step.
struct Feed {
  Sequence* sequence;
  std::span<const std::uint32_t> tokens;  // at least one, ids below vocab
  Transcript* transcript = nullptr;       // takes each layer's residual rows, if given
};

class BatchDecoder {
 public:
  struct Options {
    std::uint32_t max_rows = 32;   // tokens a step, all feeds together
    std::uint32_t max_length = 1;  // longest sequence
    Parallel* parallel = nullptr;  // whoever runs the parts; none: the caller's thread
  };

  // The model and `parallel` must outlive it; not thread-safe. ENSUREs the options' ranges.
  BatchDecoder(const ModelArtefact& model, Kernel kernel, const Options& options);

  // Appends to distinct sequences. ENSUREs that tokens exist, rows fit and caches have room.
  void step(std::span<const Feed> feeds);

  // Rows of the last step: feed after feed, within a feed token after token.
  std::uint32_t rows() const { return static_cast<std::uint32_t>(rows_.size()); }
  // The row of the last token of a feed.
  std::uint32_t last_row(std::uint32_t feed) const { return feed_ends_[feed] - 1; }
  // Residual row in Q16.
  std::span<const std::int32_t> residual(std::uint32_t row) const {
    return std::span(residual_).subspan(row * dim_, dim_);
  }
  // Computes the logits (Q16) of rows of the last step, at most max_rows at a time; logits(i)
  // belongs to the i-th of them and is valid until the next call of step() or project_logits().
  void project_logits(std::span<const std::uint32_t> rows);
  std::span<const std::int32_t> logits(std::uint32_t i) const {
    return std::span(logits_).subspan(i * logit_stride_, model_.config.vocab);
  }

 private:
  struct Row {
    Sequence* sequence;
    std::uint32_t position;
    std::uint32_t token;
  };
  struct Scratch {                        // of one part
    std::vector<std::int64_t> wide;       // one row, for the norm
    std::vector<std::int8_t> bytes;       // a query, then a key
    std::vector<std::int16_t> value;      // one head
    AlignedVector<std::int32_t> weights;  // one attention row
    std::vector<std::uint64_t> clamps;    // a row
  };
  // Output of a projection: rows x stride.
  struct Output {
    std::int32_t* data;
    std::size_t stride;
  };

  void begin(std::span<const Feed> feeds);
  void attention_block(std::uint32_t layer);
  void mlp_block(const LayerWeights& weights);
  // Gains and, for families with them, biases of a norm.
  struct Norm {
    const std::vector<std::int16_t>& gain;
    const std::vector<std::int32_t>& bias;
  };
  void norm_rows(const Norm& norm);
  // The normalised residual row, quantised to q_row(to); in_row(to) serves as scratch.
  void norm_row(const Norm& norm, std::uint32_t row, std::uint32_t to, Scratch& scratch);
  // Products of the quantised rows in Q16, plus the bias if not empty; with `to_residual` added to
  // the residual stream.
  struct Projection {
    const QuantMatrix& matrix;
    const std::vector<std::int32_t>& bias;
    Output out;
    bool to_residual;
  };
  void project(const Projection& projection, std::uint32_t rows);
  void project_part(const Projection& projection, std::uint32_t rows, PartRange panels,
                    Scratch& scratch);
  void attend_head(std::uint32_t layer, std::uint32_t feed, std::uint32_t head, Scratch& scratch);
  void store_head(std::uint32_t layer, std::uint32_t row, std::uint32_t head, Scratch& scratch);
  void attend_row(std::uint32_t layer, std::uint32_t row, std::uint32_t head, Scratch& scratch);
  void collect_clamps(std::span<const std::uint32_t> rows);

  // Calls function(row, scratch) for each of `count` rows, spread over the parts.
  template <class Function>
  void each_row(std::uint32_t count, Function&& function);

  std::uint8_t* q_row(std::uint32_t row) { return q_.data() + row * q_stride_; }
  std::int32_t* in_row(std::uint32_t row) { return in_.data() + row * in_stride_; }
  std::int32_t* out_row(std::uint32_t row) { return out_.data() + row * out_stride_; }

  const ModelArtefact& model_;
  const Kernel kernel_;
  const RowKernels ops_;
  const std::uint32_t max_rows_;
  const std::size_t dim_;
  const std::uint32_t head_dim_;
  const bool gpt2_;
  const exact::SoftScale logit_scale_;  // log2(e) / sqrt(head_dim)
  Serial serial_;
  Parallel& parallel_;
  std::size_t in_stride_ = 0;
  std::size_t out_stride_ = 0;
  std::size_t q_stride_ = 0;
  std::size_t logit_stride_ = 0;

  std::vector<Row> rows_;
  std::vector<std::uint32_t> feed_ends_;  // row after each feed's last
  AlignedVector<std::int32_t> residual_;  // rows x dim, Q16
  AlignedVector<std::int32_t> in_;        // rows x in_stride_: input of a projection, Q16
  AlignedVector<std::int32_t> out_;       // rows x out_stride_: outputs of a projection, Q16
  AlignedVector<std::int32_t> logits_;    // grows to what is asked for
  AlignedVector<std::uint8_t> q_;         // rows x q_stride_, biased
  std::vector<exact::SoftScale> q_scales_;
  std::vector<Scratch> scratch_;  // a part
};

}  // namespace orrery::gpu
