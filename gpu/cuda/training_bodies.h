// The kernels of training but for its products, as bodies (see bodies.h): the operations of
// gpu/api/f32_rows.h over the rows of a batch. What sums over rows is one lane's, in their order:
// no sum depends on who is first. Rows are text after text, position after position.
#pragma once

#include "gpu/api/f32_rows.h"
#include "gpu/api/gradient_source.h"
#include "gpu/cuda/bodies.h"

namespace orrery::gpu::bodies {

// to = the tokens' rows of the embedding. Items: elements.
struct EmbedTokens {
  static constexpr Lanes kLanes = Lanes::kThread;
  const float* embedding;       // vocab x dim
  const std::uint32_t* tokens;  // a row
  std::uint32_t rows;
  std::uint32_t dim;
  float* to;  // rows x dim

  std::uint32_t items() const { return rows * dim; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    to[item] = embedding[std::size_t{tokens[item / dim]} * dim + item % dim];
  }
};

// gradient of the embedding += dx of the rows that have the token, in their order. Items: tokens of
// the vocabulary.
struct EmbeddingGradient {
  static constexpr Lanes kLanes = Lanes::kWarp;
  const float* dx;              // rows x dim
  const std::uint32_t* tokens;  // a row
  std::uint32_t rows;
  std::uint32_t dim;
  std::uint32_t vocab;
  float* gradient;  // vocab x dim

  std::uint32_t items() const { return vocab; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t token) const {
    float* to = gradient + std::size_t{token} * dim;
    for (std::uint32_t r = 0; r < rows; ++r) {
      if (tokens[r] != token) continue;
      const float* from = dx + std::size_t{r} * dim;
      group.each(static_cast<std::int32_t>(dim), [&](std::int32_t i) { to[i] += from[i]; });
    }
  }
};

// Items: floats.
struct Zeros {
  static constexpr Lanes kLanes = Lanes::kThread;
  std::uint32_t count;
  float* to;

  std::uint32_t items() const { return count; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    to[item] = 0.0f;
  }
};

// to = a + b. Items: elements.
struct Sum {
  static constexpr Lanes kLanes = Lanes::kThread;
  const float* a;
  const float* b;
  std::uint32_t count;
  float* to;

  std::uint32_t items() const { return count; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    to[item] = a[item] + b[item];
  }
};

// y = the norms of rows. Items: rows.
struct NormRows {
  static constexpr Lanes kLanes = Lanes::kWarp;
  const float* x;     // rows x dim
  const float* gain;  // dim
  std::uint32_t rows;
  std::uint32_t dim;
  float* y;        // rows x dim
  float* inverse;  // a row: 1 / rms

  std::uint32_t items() const { return rows; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const std::size_t at = std::size_t{row} * dim;
    const float made = rms_norm(group, x + at, gain, static_cast<std::int32_t>(dim), y + at);
    group.one([&] { inverse[row] = made; });
  }
};

// What the backward passes of a norm read.
struct NormSlopes {
  const float* x;        // rows x dim
  const float* gain;     // dim
  const float* inverse;  // a row
  const float* dy;       // rows x dim
  std::uint32_t rows;
  std::uint32_t dim;
};

// dx += the gradient of what the norm read. Items: rows.
struct NormRowsBackward {
  static constexpr Lanes kLanes = Lanes::kWarp;
  NormSlopes of;
  float* dx;  // rows x dim

  std::uint32_t items() const { return of.rows; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const std::size_t at = std::size_t{row} * of.dim;
    rms_norm_backward(group, {of.x + at, of.gain, of.inverse[row], of.dy + at},
                      static_cast<std::int32_t>(of.dim), dx + at);
  }
};

// dgain += the gradient of the gain, row after row. Items: columns.
struct GainGradient {
  static constexpr Lanes kLanes = Lanes::kThread;
  NormSlopes of;
  float* dgain;  // dim

  std::uint32_t items() const { return of.dim; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t column) const {
    float sum = dgain[column];
    for (std::uint32_t r = 0; r < of.rows; ++r) {
      const std::size_t at = std::size_t{r} * of.dim + column;
      sum += gain_slope(of.dy[at], of.x[at], of.inverse[r]);
    }
    dgain[column] = sum;
  }
};

// Rotates queries and keys. Items: pairs, dim a row.
struct RotateRows {
  static constexpr Lanes kLanes = Lanes::kThread;
  const float* cosine;  // position x half
  const float* sine;
  std::uint32_t rows;
  std::uint32_t length;  // positions of a text
  std::uint32_t dim;
  std::uint32_t half;  // of the width of a head
  float direction;     // 1 or -1
  float* qkv;          // rows x 3 dim

  std::uint32_t items() const { return rows * dim; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    const std::uint32_t row = item / dim;
    const std::uint32_t head = item % dim / half;  // of the queries, then of the keys
    const std::uint32_t i = item % dim % half;
    const std::size_t angle = std::size_t{row % length} * half + i;
    float* pair = qkv + std::size_t{row} * 3 * dim + std::size_t{head} * 2 * half + i;
    rotate_pair(cosine[angle], sine[angle] * direction, pair[0], pair[half]);
  }
};

// act = silu(gate) * up. Items: elements.
struct GateRows {
  static constexpr Lanes kLanes = Lanes::kThread;
  const float* gate_up;  // rows x 2 hidden
  std::uint32_t rows;
  std::uint32_t hidden;
  float* act;  // rows x hidden

  std::uint32_t items() const { return rows * hidden; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    const float* gate = gate_up + std::size_t{item / hidden} * 2 * hidden + item % hidden;
    act[item] = gate_forward(gate[0], gate[hidden]);
  }
};

// Replaces gate_up by its gradient. Items: elements.
struct GateRowsBackward {
  static constexpr Lanes kLanes = Lanes::kThread;
  const float* dact;  // rows x hidden
  std::uint32_t rows;
  std::uint32_t hidden;
  float* gate_up;  // rows x 2 hidden

  std::uint32_t items() const { return rows * hidden; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    float* gate = gate_up + std::size_t{item / hidden} * 2 * hidden + item % hidden;
    gate_backward(dact[item], gate[0], gate[hidden]);
  }
};

// Each row of a square of scores becomes the weights of the positions up to its own. Items: rows of
// all squares.
struct AttentionWeights {
  static constexpr Lanes kLanes = Lanes::kWarp;
  std::uint32_t squares;  // (text, head)
  std::uint32_t length;
  float scale;
  float* scores;  // squares x length x length

  std::uint32_t items() const { return squares * length; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const auto width = static_cast<std::int32_t>(length);
    const auto seen = static_cast<std::int32_t>(item % length) + 1;
    masked_softmax(group, {seen, width, scale}, scores + std::size_t{item} * length);
  }
};

// Replaces the gradient of the weights by that of the scores. Items: rows of all squares.
struct AttentionWeightsBackward {
  static constexpr Lanes kLanes = Lanes::kWarp;
  const float* weights;  // squares x length x length
  std::uint32_t squares;
  std::uint32_t length;
  float scale;
  float* slopes;  // as weights

  std::uint32_t items() const { return squares * length; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const auto width = static_cast<std::int32_t>(length);
    const auto seen = static_cast<std::int32_t>(item % length) + 1;
    const std::size_t at = std::size_t{item} * length;
    softmax_backward(group, {seen, width, scale}, weights + at, slopes + at);
  }
};

// Losses of rows; their logits become gradients. A row without a target gives zeros. Items: rows.
struct CrossEntropyRows {
  static constexpr Lanes kLanes = Lanes::kWarp;
  const std::uint32_t* targets;  // a row, or kNoTarget
  std::uint32_t rows;
  std::uint32_t vocab;
  float weight;
  float* logits;  // rows x vocab
  float* losses;  // a row

  std::uint32_t items() const { return rows; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const auto n = static_cast<std::int32_t>(vocab);
    const std::uint32_t target = targets[row];
    float* z = logits + std::size_t{row} * vocab;
    float loss = 0;
    if (target == kNoTarget) {
      group.each(n, [&](std::int32_t i) { z[i] = 0.0f; });
    } else {
      loss = cross_entropy(group, {n, target, weight}, z);
    }
    group.one([&] { losses[row] = loss; });
  }
};

}  // namespace orrery::gpu::bodies
