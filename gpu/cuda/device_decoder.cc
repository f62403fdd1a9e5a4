#include "gpu/cuda/device_decoder.h"

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"

namespace orrery::gpu {
namespace {

template <class T>
ByteView bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

// Parts of the inputs, max_rows words each.
enum Part : std::uint32_t {
  kTokens,
  kPositions,
  kSlots,
  kStepParts,
  kChosen = 3,
  kChosenSlots,
  kParts
};

}  // namespace

DeviceDecoder::DeviceDecoder(Accelerator& accelerator, const DeviceModel& model,
                             const Options& options)
    : accelerator_(accelerator), model_(model), options_(options), sequences_(options.sequences) {}

Result<std::unique_ptr<DeviceDecoder>> DeviceDecoder::make(Accelerator& accelerator,
                                                           const DeviceModel& model,
                                                           const Options& options) {
  ENSURE(options.max_rows >= 1 && options.sequences >= 1, "a step takes at least one row");
  ENSURE(options.max_length >= 1 && options.max_length <= model.config().context,
         "a length within the context");
  ENSURE(options.block >= 4 && options.block % 4 == 0, "a block is whole words of positions");
  std::unique_ptr<DeviceDecoder> made(new DeviceDecoder(accelerator, model, options));
  Carver count(nullptr);
  made->lay_out(count);
  ASSIGN_OR_RETURN(made->arena_, Arena::make(accelerator, count.used()));
  Carver carver(made->arena_.memory());
  made->lay_out(carver);
  // Handed out from the back: sequences that grow together interleave.
  const std::uint32_t blocks = made->view_.kv.blocks_per_sequence * options.sequences;
  for (std::uint32_t b = 0; b < blocks; ++b) made->free_blocks_.push_back(blocks - 1 - b);
  TRY(accelerator.prepare(made->products()));
  return made;
}

void DeviceDecoder::lay_out(Carver& carver) {
  const ModelConfig& c = model_.config();
  const std::size_t rows = options_.max_rows;
  const std::size_t padded = padded_product_rows(options_.max_rows);
  const std::size_t row_heads = rows * c.heads;
  view_ = {.model = model_.view(), .max_rows = options_.max_rows};
  const std::uint32_t widest_in = std::max(c.dim, c.hidden);
  const std::uint32_t widest_out = std::max(3 * c.dim, 2 * c.hidden);
  view_.q_stride = round_up(widest_in, kProductPadding);
  view_.in_stride = round_up(widest_in, kProductPadding);
  view_.out_stride = round_up(widest_out, kProductPadding);
  view_.logit_stride = round_up(c.vocab, kProductPadding);
  view_.weight_stride = round_up(options_.max_length, kProductPadding);

  KvView& kv = view_.kv;
  kv.block = options_.block;
  kv.width = c.head_dim();
  kv.groups = (c.head_dim() + 3) / 4;
  kv.heads = c.heads;
  kv.layers = c.layers;
  kv.blocks_per_sequence = (options_.max_length + kv.block - 1) / kv.block;
  const std::size_t blocks = std::size_t{kv.blocks_per_sequence} * options_.sequences;
  kv.pool = carver.take<std::uint8_t>(blocks * kv.block_bytes());
  kv.tables = tables_ = carver.take<std::uint32_t>(blocks);

  inputs_ = carver.take<std::uint32_t>(kParts * rows);
  view_.tokens = inputs_ + kTokens * rows;
  view_.row_positions = inputs_ + kPositions * rows;
  view_.slots = inputs_ + kSlots * rows;
  view_.chosen = inputs_ + kChosen * rows;

  view_.residual = carver.take<std::int32_t>(rows * c.dim);
  view_.wide = carver.take<std::int64_t>(rows * c.dim);
  view_.q = carver.take<std::int8_t>(padded * view_.q_stride);
  view_.q_scales = carver.take<exact::SoftScale>(rows);
  view_.in = carver.take<std::int32_t>(rows * view_.in_stride);
  view_.out = carver.take<std::int32_t>(padded * view_.out_stride);
  view_.logits = carver.take<std::int32_t>(padded * view_.logit_stride);
  view_.best = carver.take<std::uint32_t>(rows);
  view_.query = carver.take<std::int8_t>(row_heads * kv.groups * 4);
  view_.query_scales = carver.take<exact::SoftScale>(row_heads);
  view_.key = carver.take<std::int8_t>(row_heads * kv.groups * 4);
  view_.weights = carver.take<std::int32_t>(row_heads * view_.weight_stride);
  view_.partials = carver.take<std::int32_t>(row_heads * bodies::kValueSplits * kv.width);
  view_.clamps = carver.take<std::uint64_t>(options_.sequences);
  view_.kept = carver.take<std::int32_t>(rows * c.layers * c.dim);
  view_.leaves = carver.take<std::uint8_t>(rows * c.layers * 32);
}

std::vector<DeviceProduct> DeviceDecoder::products() const {
  const StepView& s = view_;
  std::vector<DeviceProduct> all;
  const auto add = [&](const DeviceMatrix& matrix, std::int32_t* to, std::uint32_t stride) {
    all.push_back({matrix, s.q, s.q_stride, s.max_rows, to, stride});
  };
  for (const LayerView& layer : model_.layers()) {
    for (const DeviceMatrix& matrix : {layer.qkv, layer.out, layer.gate_up, layer.down}) {
      add(matrix, s.out, s.out_stride);
    }
  }
  add(model_.view().head, s.logits, s.logit_stride);
  return all;
}

std::uint32_t DeviceDecoder::open() {
  for (std::uint32_t slot = 0; slot < sequences_.size(); ++slot) {
    if (sequences_[slot].open) continue;
    sequences_[slot].open = true;
    const std::uint64_t zero = 0;
    accelerator_.upload(view_.clamps + slot, bytes_of(std::span(&zero, 1)));
    return slot;
  }
  ENSURE(false, "a free slot for a sequence");
}

void DeviceDecoder::close(std::uint32_t slot) {
  SlotState& sequence = sequences_[slot];
  ENSURE(sequence.open, "an open sequence");
  free_blocks_.insert(free_blocks_.end(), sequence.blocks.begin(), sequence.blocks.end());
  sequence = {};
}

void DeviceDecoder::reserve(std::uint32_t slot, std::uint32_t length) {
  SlotState& sequence = sequences_[slot];
  const KvView& kv = view_.kv;
  while (sequence.blocks.size() * kv.block < length) {
    ENSURE(!free_blocks_.empty(), "blocks for every open sequence");
    const std::uint32_t block = free_blocks_.back();
    free_blocks_.pop_back();
    const std::size_t at = std::size_t{slot} * kv.blocks_per_sequence + sequence.blocks.size();
    accelerator_.upload(tables_ + at, bytes_of(std::span(&block, 1)));
    sequence.blocks.push_back(block);
  }
}

void DeviceDecoder::begin(std::span<const DeviceFeed> feeds) {
  rows_.clear();
  feed_ends_.clear();
  for (const DeviceFeed& feed : feeds) {
    ENSURE(!feed.tokens.empty(), "a feed has tokens");
    ENSURE(rows_.size() + feed.tokens.size() <= options_.max_rows, "rows of one step fit");
    SlotState& sequence = sequences_[feed.slot];
    ENSURE(sequence.open, "an open sequence");
    const auto count = static_cast<std::uint32_t>(feed.tokens.size());
    ENSURE(count <= options_.max_length - sequence.length, "a sequence within max_length");
    reserve(feed.slot, sequence.length + count);
    for (const std::uint32_t token : feed.tokens) {
      ENSURE(token < model_.config().vocab, "a token of the model's vocabulary");
      rows_.push_back({feed.slot, sequence.length++, token});
    }
    feed_ends_.push_back(rows());
  }
}

Status DeviceDecoder::step(std::span<const DeviceFeed> feeds) {
  begin(feeds);
  const std::size_t stride = options_.max_rows;
  staged_.resize(kStepParts * stride);
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    staged_[kTokens * stride + r] = rows_[r].token;
    staged_[kPositions * stride + r] = rows_[r].position;
    staged_[kSlots * stride + r] = rows_[r].slot;
  }
  accelerator_.upload(inputs_, bytes_of(std::span<const std::uint32_t>(staged_)));
  StepView view = view_;
  view.rows = rows();
  bool hashes = false;
  bool keeps = false;
  for (const DeviceFeed& feed : feeds) {
    if (feed.transcript == nullptr) continue;
    (feed.transcript->keeps_rows() ? keeps : hashes) = true;
  }
  if (!hashes) view.leaves = nullptr;
  if (!hashes && !keeps) view.kept = nullptr;
  accelerator_.step(view, model_.layers());
  return hashes || keeps ? collect_leaves(feeds) : Status{};
}

Status DeviceDecoder::collect_leaves(std::span<const DeviceFeed> feeds) {
  const std::uint32_t layers = model_.config().layers;
  const std::size_t dim = model_.config().dim;
  const std::size_t count = std::size_t{layers} * options_.max_rows;
  ASSIGN_OR_RETURN(const auto leaves, fetch(view_.leaves, count * 32));
  std::vector<std::int32_t> kept;
  for (std::uint32_t f = 0; f < feeds.size(); ++f) {
    Transcript* transcript = feeds[f].transcript;
    if (transcript == nullptr) continue;
    if (transcript->keeps_rows() && kept.empty()) {
      ASSIGN_OR_RETURN(kept, fetch(view_.kept, count * dim));
    }
    for (std::uint32_t l = 0; l < layers; ++l) {
      for (std::uint32_t r = f == 0 ? 0 : feed_ends_[f - 1]; r < feed_ends_[f]; ++r) {
        const std::size_t at = std::size_t{l} * options_.max_rows + r;
        if (transcript->keeps_rows()) {
          transcript->set({rows_[r].position, l, rows_[r].token,
                           std::span<const std::int32_t>(kept).subspan(at * dim, dim)});
          continue;
        }
        Hash256 leaf;
        std::memcpy(leaf.bytes.data(), leaves.data() + at * 32, 32);
        transcript->set_leaf(rows_[r].position, l, leaf);
      }
    }
  }
  return {};
}

Status DeviceDecoder::project_logits(std::span<const std::uint32_t> rows) {
  ENSURE(!rows.empty() && rows.size() <= options_.max_rows, "logits of 1 to max_rows rows");
  const std::size_t stride = options_.max_rows;
  staged_.assign((kParts - kStepParts) * stride, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ENSURE(rows[i] < rows_.size(), "a row of the last step");
    staged_[i] = rows[i];
    staged_[stride + i] = rows_[rows[i]].slot;
  }
  accelerator_.upload(inputs_ + kChosen * stride,
                      bytes_of(std::span<const std::uint32_t>(staged_)));
  StepView view = view_;
  view.rows = static_cast<std::uint32_t>(rows.size());
  view.slots = inputs_ + kChosenSlots * stride;
  accelerator_.logits(view);
  ASSIGN_OR_RETURN(best_, fetch(view_.best, rows.size()));
  return {};
}

template <class T>
Result<std::vector<T>> DeviceDecoder::fetch(const T* from, std::size_t count) {
  std::vector<T> to(count);
  accelerator_.download({reinterpret_cast<std::uint8_t*>(to.data()), count * sizeof(T)}, from);
  TRY(accelerator_.finish());
  return to;
}

Result<std::vector<std::int32_t>> DeviceDecoder::logits(std::uint32_t i) {
  return fetch(view_.logits + std::size_t{i} * view_.logit_stride, model_.config().vocab);
}

Result<std::vector<std::int32_t>> DeviceDecoder::residual(std::uint32_t row) {
  return fetch(view_.residual + std::size_t{row} * model_.config().dim, model_.config().dim);
}

Result<std::uint64_t> DeviceDecoder::clamps(std::uint32_t slot) {
  ASSIGN_OR_RETURN(const auto count, fetch(view_.clamps + slot, 1));
  return count[0];
}

}  // namespace orrery::gpu
