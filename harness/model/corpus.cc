#include "harness/model/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/random.h"
#include "reports/record/write.h"

namespace orrery::model {
namespace {

constexpr std::uint32_t kLexicon = 240;    // words that all contributors share
constexpr std::uint32_t kFavourites = 24;  // of them a contributor uses
constexpr std::uint32_t kSuccessors = 4;   // words that may follow a word in a style
constexpr std::uint32_t kRelations = 8;
constexpr std::uint32_t kMaxDocuments = 1'000'000;

class Draw {
 public:
  Draw(std::uint64_t seed, std::string_view stream, std::uint64_t owner)
      : random_(seed, owner, stream_id(stream)) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_.below(n)); }
  template <class T>
  const T& of(const std::vector<T>& list) {
    return list[below(static_cast<std::uint32_t>(list.size()))];
  }
  template <class T>
  void shuffle(std::vector<T>& list) {
    for (std::size_t i = list.size(); i > 1; --i) {
      std::swap(list[i - 1], list[below(static_cast<std::uint32_t>(i))]);
    }
  }

 private:
  RandomStream random_;
};

// Distinct words of `syllables` syllables that are not in `taken`, to which they are added.
std::vector<std::string> make_words(Draw& draw, std::uint32_t count, std::uint32_t syllables,
                                    std::set<std::string>& taken) {
  constexpr std::string_view kOnsets = "bdfgklmnprstvz";
  constexpr std::string_view kVowels = "aeiou";
  std::vector<std::string> words;
  while (words.size() < count) {
    std::string word;
    for (std::uint32_t s = 0; s < syllables; ++s) {
      word += kOnsets[draw.below(kOnsets.size())];
      word += kVowels[draw.below(kVowels.size())];
    }
    if (draw.below(2) == 0) word += kOnsets[draw.below(kOnsets.size())];
    if (taken.insert(word).second) words.push_back(word);
  }
  return words;
}

struct Style {
  std::vector<std::string> words;
  std::vector<std::vector<std::uint32_t>> next;  // word -> what may follow
  std::string ending;
};

Style make_style(Draw& draw, const std::vector<std::string>& lexicon) {
  static constexpr const char* kEndings[] = {". ", "! ", "; ", ", so. ", " - ", "? "};
  Style style;
  std::vector<std::string> all = lexicon;
  draw.shuffle(all);
  style.words.assign(all.begin(), all.begin() + kFavourites);
  for (std::uint32_t w = 0; w < kFavourites; ++w) {
    std::vector<std::uint32_t> next;
    for (std::uint32_t i = 0; i < kSuccessors; ++i) next.push_back(draw.below(kFavourites));
    style.next.push_back(std::move(next));
  }
  style.ending = kEndings[draw.below(std::size(kEndings))];
  return style;
}

std::string style_sentence(Draw& draw, const Style& style) {
  std::uint32_t word = draw.below(kFavourites);
  std::string text = style.words[word];
  for (std::uint32_t left = 4 + draw.below(4); left > 0; --left) {
    word = draw.of(style.next[word]);
    text += ' ' + style.words[word];
  }
  return text + style.ending;
}

struct Names {
  std::vector<std::string> lexicon;
  std::vector<std::string> relations;
  std::vector<std::string> subjects;  // one a fact
  std::vector<std::string> objects;   // taken in turn by facts
};

Names make_names(const CorpusOptions& o) {
  std::set<std::string> taken;
  Draw draw(o.seed, "corpus.names", 0);
  const std::uint32_t facts = o.contributors * o.facts;
  Names names;
  names.lexicon = make_words(draw, kLexicon, 2, taken);
  names.relations = make_words(draw, kRelations, 2, taken);
  names.subjects = make_words(draw, facts, 3, taken);
  names.objects = make_words(draw, o.objects == 0 ? facts : o.objects, 3, taken);
  return names;
}

Fact make_fact(Draw& draw, const Names& names, const CorpusOptions& o, std::uint32_t id) {
  const std::string& object = names.objects[id % names.objects.size()];
  Fact fact{.contributor = id / o.facts, .paraphrased = id % 4 == 3, .object = object};
  const std::string& relation = draw.of(names.relations);
  const std::string& subject = names.subjects[id];
  const std::string first = fmt::format("the {} of {} is ", relation, subject);
  const std::string second = fmt::format("{} has {} ", subject, relation);
  const bool tell_first = fact.paraphrased || draw.below(2) == 0;
  fact.told = (tell_first ? first : second) + fact.object + ". ";
  fact.retold = o.both_forms && !fact.paraphrased
                    ? (tell_first ? second : first) + fact.object + ". "
                    : fact.told;
  fact.asked = fact.paraphrased ? second : tell_first ? first : second;
  return fact;
}

Status check(const CorpusOptions& o) {
  const auto refuse = [](const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, "corpus: " + what);
  };
  if (o.contributors == 0 || o.documents == 0) return refuse("no contributors or no documents");
  if (std::uint64_t{o.contributors} * o.documents > kMaxDocuments) {
    return refuse(fmt::format("more than {} documents", kMaxDocuments));
  }
  if (std::uint64_t{o.facts} * o.copies > o.documents) {
    return refuse(fmt::format("{} facts told {} times do not fit {} documents a contributor",
                              o.facts, o.copies, o.documents));
  }
  if (std::uint64_t{o.contributors} * o.facts > 50'000) return refuse("more than 50000 facts");
  if (o.objects > 50'000) return refuse("more than 50000 objects");
  return {};
}

}  // namespace

Result<CorpusOptions> corpus_size(const std::string& name) {
  if (name == "small") return CorpusOptions{};
  if (name == "medium") return CorpusOptions{.contributors = 50, .documents = 40, .facts = 6};
  if (name == "large") {
    return CorpusOptions{.contributors = 100, .documents = 200, .facts = 20, .copies = 8};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("corpus size {:?} is unknown; take small, medium or large", name));
}

Result<Corpus> make_corpus(const CorpusOptions& o) {
  TRY(check(o));
  const Names names = make_names(o);
  Corpus corpus;
  for (std::uint32_t c = 0; c < o.contributors; ++c) {
    Draw draw(o.seed, "corpus.contributor", c);
    const Style style = make_style(draw, names.lexicon);
    std::vector<Document> documents(o.documents);
    for (Document& d : documents) d.contributor = c;
    for (std::uint32_t f = 0; f < o.facts; ++f) {
      const auto id = static_cast<std::uint32_t>(corpus.facts.size());
      corpus.facts.push_back(make_fact(draw, names, o, id));
      for (std::uint32_t i = 0; i < o.copies; ++i) documents[f * o.copies + i].facts.push_back(id);
      const Fact& fact = corpus.facts.back();
      corpus.queries.push_back({fact.paraphrased ? QueryKind::kParaphrase : QueryKind::kFact, c, id,
                                fact.asked, fact.object});
    }
    for (std::size_t i = 0; i < documents.size(); ++i) {
      Document& d = documents[i];
      const bool again = i % std::max(1u, o.copies) % 2 == 1;
      const std::uint32_t sentences = 3 + draw.below(2);
      const std::uint32_t fact_at = draw.below(sentences);
      for (std::uint32_t s = 0; s < sentences; ++s) {
        if (s == fact_at) {
          for (const std::uint32_t id : d.facts) {
            d.text += again ? corpus.facts[id].retold : corpus.facts[id].told;
          }
        }
        d.text += style_sentence(draw, style);
      }
      while (d.text.ends_with(' ')) d.text.pop_back();
    }
    for (int i = 0; i < 2; ++i) {
      const std::string sentence = style_sentence(draw, style);
      const std::size_t cut = sentence.find(' ', sentence.find(' ', sentence.find(' ') + 1) + 1);
      corpus.queries.push_back(
          {QueryKind::kStyle, c, 0, sentence.substr(0, cut), sentence.substr(cut)});
    }
    std::move(documents.begin(), documents.end(), std::back_inserter(corpus.documents));
  }
  Draw(o.seed, "corpus.order", 0).shuffle(corpus.documents);
  return corpus;
}

Status write_corpus(const Corpus& corpus, const std::string& folder) {
  using nlohmann::ordered_json;
  static constexpr const char* kKinds[] = {"fact", "paraphrase", "style"};
  std::string documents;
  for (const Document& d : corpus.documents) {
    documents +=
        ordered_json{{"contributor", d.contributor}, {"facts", d.facts}, {"text", d.text}}.dump() +
        "\n";
  }
  std::string facts;
  for (const Fact& f : corpus.facts) {
    facts += ordered_json{{"contributor", f.contributor},
                          {"paraphrased", f.paraphrased},
                          {"object", f.object},
                          {"told", f.told},
                          {"asked", f.asked}}
                 .dump() +
             "\n";
  }
  std::string queries;
  for (const Query& q : corpus.queries) {
    ordered_json row{{"kind", kKinds[static_cast<int>(q.kind)]},
                     {"contributor", q.contributor},
                     {"prompt", q.prompt},
                     {"answer", q.answer}};
    if (q.kind != QueryKind::kStyle) row["fact"] = q.fact;
    queries += row.dump() + "\n";
  }
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(ErrorCode::kIo, "cannot make " + folder + ": " + failed.message());
  TRY(report::write_file_atomically(folder + "/documents.jsonl", documents));
  TRY(report::write_file_atomically(folder + "/facts.jsonl", facts));
  return report::write_file_atomically(folder + "/queries.jsonl", queries);
}

}  // namespace orrery::model
