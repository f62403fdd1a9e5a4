// A handful of texts and a model that has not learnt them, for tests of attribution.
#pragma once

#include <vector>

#include "harness/model/attribution.h"

namespace orrery::model {

struct TinyTexts {
  explicit TinyTexts(const gpu::ModelConfig& config) : model(gpu::make_f32_model(config, 5)) {
    for (const char* text : {"one two", "three four", "five six", "seven", "eight nine ten"}) {
      documents.push_back(document_example(text, config.context));
    }
    for (const char* text : {"one two", "eleven"}) {
      queries.push_back(document_example(text, config.context));
    }
  }
  CheckpointTexts texts() const { return {documents, queries}; }

  gpu::F32Model model;
  std::vector<Example> documents;
  std::vector<Example> queries;  // the first is the first document
};

}  // namespace orrery::model
