// Gradients of single texts, one after the other, wherever they are computed.
#pragma once

#include <memory>
#include <vector>

#include "gpu/api/gradient_source.h"
#include "harness/model/attribution.h"
#include "harness/model/gradient_rows.h"

namespace orrery::model {

class TextGradients {
 public:
  // Both must outlive it.
  TextGradients(const gpu::F32Model& model, const Workers& workers);

  // The gradient of the text's mean loss, into `to`, as long as the model's parameters; returns the
  // loss, in nats a token.
  Result<float> of(const Example& text, std::span<float> to);

 private:
  const gpu::F32Model& model_;
  std::unique_ptr<gpu::GradientSource> source_;
};

// The i-th of the documents and then the queries.
inline const Example& text_of(const CheckpointTexts& texts, std::size_t i) {
  const std::size_t n = texts.documents.size();
  return i < n ? texts.documents[i] : texts.queries[i - n];
}

// kInvalidArgument: no documents or no queries, or a weight out of bounds.
Status check(const CheckpointTexts& texts);

// An empty table gets the shape; kInvalidArgument if it has another.
Status shape_table(ScoreTable& table, const CheckpointTexts& texts);

// To Q32; values beyond +-2^30 are cut off (gradients of such length do not occur in training).
std::int64_t to_q32(double v);

// What makes products of gradients those in the diagonal of the empirical Fisher information: 1 /
// sqrt(v + mean(v) / 100) a parameter, v the mean square over gradients. From mean(v) / 1000 to
// mean(v) / 10, measured quality changes by less than its error.
class FisherScale {
 public:
  explicit FisherScale(std::size_t parameters) : squares_(parameters) {}
  // `length` times the row is a gradient.
  void count(std::span<const float> row, double length = 1);
  // Empty if no gradient moves anything.
  std::vector<float> factors() const;

 private:
  std::vector<double> squares_;
};
void scale(std::span<float> row, std::span<const float> factors);

}  // namespace orrery::model
