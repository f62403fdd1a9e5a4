// The forward pass of exact-i8 on an accelerator over any number of sequences at once: what
// gpu/cpu/batch_decoder.h is to the CPU. Which rows share a step, the block size of the caches and
// the accelerator cannot be seen in any result.
//
// Data flow of a step: tokens, positions and slots of the rows go to the device (12 bytes a row);
// run_step() leaves residual rows, keys and values there. project_logits() leaves the logits there
// and brings the best tokens back (4 bytes a row). Leaf hashes of transcripts are made on the
// device (32 bytes a row and layer); rows themselves come back only where somebody asks for them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gpu/api/transcript.h"
#include "gpu/cuda/arena.h"
#include "gpu/cuda/device_model.h"

namespace orrery::gpu {

// Tokens to append to a sequence in one step.
struct DeviceFeed {
  std::uint32_t slot;                     // of open()
  std::span<const std::uint32_t> tokens;  // at least one, ids below vocab
  Transcript* transcript = nullptr;       // takes each layer's leaves, if given
};

class DeviceDecoder {
 public:
  struct Options {
    std::uint32_t max_rows = 32;   // tokens a step, all feeds together
    std::uint32_t max_length = 1;  // longest sequence
    std::uint32_t sequences = 1;   // open at the same time
    std::uint32_t block = 32;      // positions a block of the cache; a multiple of 4
  };

  // The accelerator and the model must outlive it; not thread-safe. ENSUREs the options' ranges.
  // kUnsupported: not enough memory; kInternal: see Accelerator::prepare().
  static Result<std::unique_ptr<DeviceDecoder>> make(Accelerator& accelerator,
                                                     const DeviceModel& model,
                                                     const Options& options);

  // A slot for an empty sequence; ENSUREs that one is free.
  std::uint32_t open();
  // Forgets the sequence; its blocks serve others.
  void close(std::uint32_t slot);
  std::uint32_t length(std::uint32_t slot) const { return sequences_[slot].length; }

  // Appends to distinct sequences. ENSUREs that tokens exist, rows fit and lengths do not pass
  // max_length. Fails as the accelerator does.
  Status step(std::span<const DeviceFeed> feeds);
  // Rows of the last step: feed after feed, within a feed token after token.
  std::uint32_t rows() const { return static_cast<std::uint32_t>(rows_.size()); }
  // The row of the last token of a feed.
  std::uint32_t last_row(std::uint32_t feed) const { return feed_ends_[feed] - 1; }

  // Computes the logits of rows of the last step; best(i) belongs to the i-th of them.
  Status project_logits(std::span<const std::uint32_t> rows);
  // What greedy decoding takes.
  std::uint32_t best(std::uint32_t i) const { return best_[i]; }

  // Fetched from the device: logits (Q16) of the i-th row asked for; the residual row (Q16) of a
  // row of the last step; how often values of a sequence were clamped (see
  // InferenceResult::clamps).
  Result<std::vector<std::int32_t>> logits(std::uint32_t i);
  Result<std::vector<std::int32_t>> residual(std::uint32_t row);
  Result<std::uint64_t> clamps(std::uint32_t slot);

 private:
  struct Row {
    std::uint32_t slot;
    std::uint32_t position;
    std::uint32_t token;
  };
  struct SlotState {
    bool open = false;
    std::uint32_t length = 0;
    std::vector<std::uint32_t> blocks;
  };

  DeviceDecoder(Accelerator& accelerator, const DeviceModel& model, const Options& options);
  void lay_out(Carver& carver);
  // All products of a step, with the most rows.
  std::vector<DeviceProduct> products() const;
  void begin(std::span<const DeviceFeed> feeds);
  // Blocks for positions below `length`.
  void reserve(std::uint32_t slot, std::uint32_t length);
  Status collect_leaves(std::span<const DeviceFeed> feeds);
  template <class T>
  Result<std::vector<T>> fetch(const T* from, std::size_t count);

  Accelerator& accelerator_;
  const DeviceModel& model_;
  const Options options_;
  Arena arena_;
  StepView view_;
  std::uint32_t* inputs_ = nullptr;  // tokens, positions, slots, chosen rows, their slots
  std::uint32_t* tables_ = nullptr;
  std::vector<SlotState> sequences_;
  std::vector<std::uint32_t> free_blocks_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> feed_ends_;  // row after each feed's last
  std::vector<std::uint32_t> staged_;     // inputs_ on their way
  std::vector<std::uint32_t> best_;
};

}  // namespace orrery::gpu
