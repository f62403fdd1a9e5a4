// Texts with known owners, to train small models on and to judge attribution by: who wrote what,
// and which documents taught the model an answer, is planted and hence known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace orrery::model {

// Each contributor has a style (favourite words, a chain of which word follows which, a habit of
// ending sentences) and facts ("the anchor of velora is tamik"), each told in several of the
// contributor's documents. A relation has two surface forms; a fact marked as paraphrased is told
// in the first only and asked in the second.
struct CorpusOptions {
  std::uint32_t contributors = 30;
  std::uint32_t documents = 20;  // a contributor
  std::uint32_t facts = 4;       // a contributor
  std::uint32_t copies = 5;      // documents that tell a fact; facts * copies <= documents
  std::uint32_t objects = 0;     // different answers that all facts share; 0: each has its own
  // Facts that are not paraphrased are told in both forms by turns, so that a model may learn that
  // the forms say the same.
  bool both_forms = false;
  std::uint64_t seed = 1;
};

struct Document {
  std::uint32_t contributor = 0;
  std::vector<std::uint32_t> facts;  // that it tells
  std::string text;
};

struct Fact {
  std::uint32_t contributor = 0;
  bool paraphrased = false;
  std::string object;
  std::string told;    // the sentence in documents
  std::string retold;  // the sentence in every other document; the same unless both_forms
  std::string asked;   // the sentence of the query up to the object
};

enum class QueryKind : std::uint8_t { kFact, kParaphrase, kStyle };

struct Query {
  QueryKind kind = QueryKind::kFact;
  std::uint32_t contributor = 0;  // whose documents should be credited
  std::uint32_t fact = 0;         // kFact, kParaphrase
  std::string prompt;
  std::string answer;  // what a model that learnt it says next
};

struct Corpus {
  std::vector<Document> documents;  // in an order that tells nothing about contributors
  std::vector<Fact> facts;
  std::vector<Query> queries;  // one a fact, two in the style of each contributor
};

// "small" 600 documents of 30 contributors, "medium" 2,000 of 50, "large" 20,000 of 100.
// kInvalidArgument for other names.
Result<CorpusOptions> corpus_size(const std::string& name);

// A function of its options alone. kInvalidArgument with the broken bound.
Result<Corpus> make_corpus(const CorpusOptions& options);

// documents.jsonl, facts.jsonl and queries.jsonl in `folder`, which is made if need be. kIo.
Status write_corpus(const Corpus& corpus, const std::string& folder);

}  // namespace orrery::model
