#include "harness/model/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/hash.h"

namespace orrery::model {
namespace {

Hash256 digest(const Corpus& corpus) {
  Sha256 hash;
  for (const Document& d : corpus.documents) hash.update(as_bytes(d.text));
  for (const Query& q : corpus.queries) hash.update(as_bytes(q.prompt)).update(as_bytes(q.answer));
  return hash.finish();
}

TEST(Corpus, IsPinnedAndFollowsItsSeed) {
  const Corpus corpus = *make_corpus({});
  EXPECT_EQ(corpus.documents.size(), 600u);
  EXPECT_EQ(to_hex(digest(corpus)),
            "ea6b38351bc905c11443563e489c87741ef233b80f4319d2d2fcf9c7cbf43dcb");
  EXPECT_NE(digest(*make_corpus({.seed = 2})), digest(corpus));
}

TEST(Corpus, EachFactIsToldByItsOwnerAsOftenAsStatedAndNowhereElse) {
  const Corpus corpus = *make_corpus({});
  std::map<std::uint32_t, std::uint32_t> told;
  for (const Document& d : corpus.documents) {
    for (const std::uint32_t id : d.facts) {
      EXPECT_EQ(corpus.facts[id].contributor, d.contributor);
      EXPECT_NE(d.text.find(corpus.facts[id].told.substr(0, corpus.facts[id].told.size() - 1)),
                std::string::npos);
      ++told[id];
    }
  }
  for (std::uint32_t id = 0; id < corpus.facts.size(); ++id) {
    EXPECT_EQ(told[id], 5u);
    std::uint32_t mentions = 0;
    for (const Document& d : corpus.documents) {
      mentions += d.text.find(corpus.facts[id].object) != std::string::npos;
    }
    EXPECT_EQ(mentions, 5u) << corpus.facts[id].object;
  }
}

TEST(Corpus, ParaphrasedFactsAreAskedInWordsThatNoDocumentHas) {
  const Corpus corpus = *make_corpus({});
  std::size_t paraphrases = 0;
  for (const Query& q : corpus.queries) {
    bool said = false;
    for (const Document& d : corpus.documents) {
      said = said || d.text.find(q.prompt + q.answer) != std::string::npos;
    }
    if (q.kind != QueryKind::kStyle) {
      EXPECT_EQ(said, q.kind == QueryKind::kFact) << q.prompt;
    }
    paraphrases += q.kind == QueryKind::kParaphrase;
  }
  EXPECT_EQ(paraphrases, 30u);
  EXPECT_EQ(corpus.queries.size(), 30u * 4 + 30 * 2);
}

TEST(Corpus, FactsMayShareAnswersAndBeToldInBothForms) {
  const CorpusOptions options{.contributors = 6, .objects = 12, .both_forms = true};
  const Corpus corpus = *make_corpus(options);
  std::map<std::string, std::set<std::uint32_t>> owners;
  for (const Fact& f : corpus.facts) owners[f.object].insert(f.contributor);
  EXPECT_EQ(owners.size(), 12u);
  for (const auto& [object, who] : owners) EXPECT_EQ(who.size(), 2u) << object;
  for (std::uint32_t id = 0; id < corpus.facts.size(); ++id) {
    const Fact& fact = corpus.facts[id];
    EXPECT_EQ(fact.told == fact.retold, fact.paraphrased);
    const auto times = [&](std::string sentence) {
      while (sentence.ends_with(' ')) sentence.pop_back();  // the last one of a text
      return std::count_if(
          corpus.documents.begin(), corpus.documents.end(),
          [&](const Document& d) { return d.text.find(sentence) != std::string::npos; });
    };
    EXPECT_EQ(times(fact.told), fact.paraphrased ? 5 : 3) << id;
    EXPECT_EQ(times(fact.retold), fact.paraphrased ? 5 : 2) << id;
  }
}

TEST(Corpus, SizesAndBounds) {
  EXPECT_EQ(make_corpus(*corpus_size("medium"))->documents.size(), 2000u);
  EXPECT_EQ(make_corpus(*corpus_size("large"))->documents.size(), 20'000u);
  EXPECT_FALSE(corpus_size("huge"));
  EXPECT_THAT(make_corpus({.documents = 3}).error().message, testing::HasSubstr("do not fit"));
  EXPECT_FALSE(make_corpus({.contributors = 0}));
}

}  // namespace
}  // namespace orrery::model
