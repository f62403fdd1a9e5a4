// Small models that anybody can train again to the bit: shape, corpus, options and the digest that
// must come out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/model/trainer.h"

namespace orrery::model {

struct ZooEntry {
  std::string size;    // 0.3M, 3M, 15M
  std::string corpus;  // of make_corpus, seed 1; every tenth document is held out
  TrainOptions options;
  std::string parameters;  // digest of the trained parameters; empty: nobody has pinned it yet
  std::string artefact;    // digest of its int8 artefact; empty: it does not come with the program
};

std::vector<ZooEntry> zoo();
// kInvalidArgument with the names there are.
Result<ZooEntry> zoo_entry(const std::string& size);

// Documents that are trained on and those that are kept for evaluation.
struct SplitCorpus {
  Corpus training;
  Corpus heldout;
};
Result<SplitCorpus> zoo_corpus(const std::string& name);

}  // namespace orrery::model
