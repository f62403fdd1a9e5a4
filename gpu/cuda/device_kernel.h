// Every body that an accelerator runs by itself, outside of the steps of step_program.h.
#pragma once

#include <variant>

#include "gpu/cuda/attribution_bodies.h"
#include "gpu/cuda/product_body.h"
#include "gpu/cuda/training_bodies.h"

namespace orrery::gpu {

using DeviceKernel =
    std::variant<bodies::SignProjection, bodies::GramColumn, bodies::BestScores, bodies::F32Gram,
                 bodies::F32Products, bodies::StridedCopy, bodies::EmbedTokens,
                 bodies::EmbeddingGradient, bodies::Zeros, bodies::Sum, bodies::NormRows,
                 bodies::NormRowsBackward, bodies::GainGradient, bodies::RotateRows,
                 bodies::GateRows, bodies::GateRowsBackward, bodies::AttentionWeights,
                 bodies::AttentionWeightsBackward, bodies::CrossEntropyRows>;

}  // namespace orrery::gpu
