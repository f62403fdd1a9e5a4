#include "harness/model/zoo.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

constexpr std::size_t kHeldOut = 10;  // one document in so many

}  // namespace

std::vector<ZooEntry> zoo() {
  return {
      {.size = "0.3M",
       .corpus = "small",
       .options = {.config = {.dim = 96, .hidden = 288, .layers = 2, .heads = 3, .context = 256},
                   .steps = 1200,
                   .batch = 16,
                   .length = 128,
                   .rate = 4e-3f,
                   .optimizer = {}},
       .parameters = "61099d900d817b4a8dd8653205e7d72156d160354d520382de14f95d0ff0fdc1",
       .artefact = "7f157caecab043a6c5d23caa3273de270451693ef43a0a6afe5af7ba36a20d08"},
      {.size = "3M",
       .corpus = "medium",
       .options = {.config = {.dim = 256, .hidden = 640, .layers = 4, .heads = 4, .context = 256},
                   .steps = 1500,
                   .batch = 16,
                   .length = 128,
                   .rate = 2e-3f,
                   .optimizer = {}},
       .parameters = "59f65d5644ba5de05edb3c937914be60f74d518d2bb9ce9a889e4f7e9f488132",
       .artefact = ""},
      {.size = "15M",
       .corpus = "large",
       .options = {.config = {.dim = 448, .hidden = 1216, .layers = 6, .heads = 7, .context = 256},
                   .steps = 1200,
                   .batch = 16,
                   .length = 256,
                   .rate = 1e-3f,
                   .warmup = 100,
                   .optimizer = {}},
       .parameters = "564477771343d9f7cbd6daf3825e1f3fff0d451b6cc04484f22a5c87c73461fa",
       .artefact = ""}};
}

Result<ZooEntry> zoo_entry(const std::string& size) {
  std::string names;
  for (ZooEntry& entry : zoo()) {
    if (entry.size == size) return std::move(entry);
    names += (names.empty() ? "" : ", ") + entry.size;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the zoo has no model {:?}; take one of {}", size, names));
}

Result<SplitCorpus> zoo_corpus(const std::string& name) {
  ASSIGN_OR_RETURN(const CorpusOptions options, corpus_size(name));
  ASSIGN_OR_RETURN(const Corpus corpus, make_corpus(options));
  SplitCorpus split{{{}, corpus.facts, corpus.queries}, {}};
  for (std::size_t i = 0; i < corpus.documents.size(); ++i) {
    Corpus& to = i % kHeldOut == kHeldOut - 1 ? split.heldout : split.training;
    to.documents.push_back(corpus.documents[i]);
  }
  return split;
}

}  // namespace orrery::model
