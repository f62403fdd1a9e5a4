// add_checkpoint(), declared in attribution.h.
#include <fmt/format.h>

#include "harness/model/attribution.h"
#include "harness/model/gradient_rows.h"
#include "harness/model/text_gradients.h"

namespace orrery::model {
namespace {

Result<GradientRows> gradients_of(const gpu::F32Model& model, const CheckpointTexts& texts,
                                  const Workers& workers) {
  GradientRows out(texts.documents.size() + texts.queries.size(), model.values.size());
  TextGradients gradients(model, workers);
  for (std::size_t i = 0; i < out.count; ++i) {
    TRY(gradients.of(text_of(texts, i), out.row(i)));
    if (texts.progress) texts.progress(i + 1, out.count);
  }
  return out;
}

// Rows of unit length become those in the diagonal of the Fisher information, of unit length.
void precondition(GradientRows& g, std::span<const double> lengths, std::size_t documents) {
  FisherScale fisher(g.width);
  for (std::size_t i = 0; i < documents; ++i) fisher.count(g.row(i), lengths[i]);
  const std::vector<float> factors = fisher.factors();
  for (std::size_t i = 0; i < g.count; ++i) scale(g.row(i), factors);
  normalise(g);
}

}  // namespace

Status add_checkpoint(const gpu::F32Model& model, const CheckpointTexts& texts,
                      const Workers& workers, GradientScores& to) {
  const std::size_t n = texts.documents.size();
  const std::size_t q = texts.queries.size();
  TRY(check(texts));
  if (!fits_in_full(n + q, model.values.size())) {
    return fail(ErrorCode::kLimit,
                fmt::format("gradients of {} texts of {} parameters are too much to compare in "
                            "full; take fewer texts, or methods logra or trak, which project them",
                            n + q, model.values.size()));
  }
  for (ScoreTable* table : {&to.dot, &to.cosine, &to.plain_influence, &to.influence}) {
    TRY(shape_table(*table, texts));
  }
  ASSIGN_OR_RETURN(GradientRows gradients, gradients_of(model, texts, workers));
  const std::vector<double> lengths = normalise(gradients);
  ASSIGN_OR_RETURN(
      const auto cosines,
      inner_products({gradients.rows(n, q), gradients.rows(0, n), gradients.width}, workers));
  ASSIGN_OR_RETURN(const auto plain, damped_influence(gradients, n, {}, workers));
  precondition(gradients, lengths, n);
  ASSIGN_OR_RETURN(const auto scaled, damped_influence(gradients, n, {}, workers));
  for (std::size_t row = 0; row < q; ++row) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = row * n + i;
      const double cosine = static_cast<double>(cosines[at]) * texts.weight;
      to.cosine.scores[at] += to_q32(cosine);
      to.dot.scores[at] += to_q32(cosine * lengths[n + row] * lengths[i]);
      to.plain_influence.scores[at] += to_q32(plain[at] * texts.weight);
      to.influence.scores[at] += to_q32(scaled[at] * texts.weight);
    }
  }
  return {};
}

}  // namespace orrery::model
