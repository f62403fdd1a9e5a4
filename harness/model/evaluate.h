// What a model knows and what quantisation costs it, on texts of tokens. Reports are doubles: they
// are read by people and enter no consensus.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/result.h"
#include "gpu/api/f32_model.h"

namespace orrery::model {

struct Evaluation {
  std::uint64_t tokens = 0;   // predicted
  double reference_nats = 0;  // mean negative log likelihood of the float model, in doubles
  double exact_nats = 0;      // of the artefact in exact-i8
  double mean_kl = 0;         // KL(reference || exact), nats a token
  double top1_agreement = 0;  // share of tokens whose likeliest successor is the same
  std::uint64_t clamps = 0;   // of the exact execution; above 0 the formats are too narrow

  double reference_perplexity() const;
  double exact_perplexity() const;
};

// Cuts the tokens into texts of the model's context (the last may be shorter) and predicts each
// token but the first of every text. The reference is computed in double precision with the
// mathematical library, independent of exact-f32's code. kInvalidArgument: shapes differ, fewer
// than two tokens, or a token beyond the vocabulary.
Result<Evaluation> evaluate(const gpu::F32Model& model, const gpu::ModelArtefact& artefact,
                            std::span<const std::uint32_t> tokens);

}  // namespace orrery::model
