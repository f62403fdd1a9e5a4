#include "harness/model/word_bed.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::model {
namespace {

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

Example example_of(std::vector<std::uint32_t> words, std::size_t first_that_counts) {
  Example e;
  e.inputs.push_back(gpu::kTokenBos);
  e.inputs.insert(e.inputs.end(), words.begin(), words.end());
  e.targets = std::move(words);
  e.targets.push_back(gpu::kTokenEos);
  std::fill_n(e.targets.begin(), first_that_counts, gpu::kNoTarget);
  return e;
}

}  // namespace

std::vector<std::uint32_t> WordList::tokens(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (is_letter(text[at]) && end < text.size() && is_letter(text[end])) ++end;
    if (text[at] != ' ') {
      // The two numbers of the byte tokenizer's marks are left out.
      const auto count = static_cast<std::uint32_t>(numbers_.size());
      const std::uint32_t next = count < gpu::kTokenBos ? count : count + 2;
      out.push_back(
          numbers_.try_emplace(std::string(text.substr(at, end - at)), next).first->second);
    }
    at = end;
  }
  return out;
}

std::uint32_t WordList::vocab() const {
  return std::max<std::uint32_t>(gpu::kByteVocab, static_cast<std::uint32_t>(numbers_.size()) + 2);
}

std::vector<std::string> word_bed_names() { return {"plain", "shared", "wide"}; }

Result<WordBed> make_word_bed(const std::string& name, std::uint64_t seed) {
  CorpusOptions options{.contributors = 12, .documents = 20, .both_forms = true, .seed = seed};
  if (name == "shared") {
    options.objects = options.contributors * options.facts / 2;
  } else if (name == "wide") {
    options.contributors = 24;
  } else if (name != "plain") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no corpus {:?}; take plain, shared or wide", name));
  }
  ASSIGN_OR_RETURN(Corpus corpus, make_corpus(options));
  return make_word_bed(name, std::move(corpus));
}

WordBed make_word_bed(std::string name, Corpus corpus) {
  WordBed bed{std::move(name), std::move(corpus), {}, {}, {}};
  WordList words;
  std::size_t longest = 0;
  for (const Document& d : bed.corpus.documents) {
    bed.documents.push_back(example_of(words.tokens(d.text), 0));
    longest = std::max(longest, bed.documents.back().inputs.size());
  }
  for (const Query& q : bed.corpus.queries) {
    auto tokens = words.tokens(q.prompt);
    const std::size_t prompt = tokens.size();
    const auto answer = words.tokens(q.answer);
    tokens.insert(tokens.end(), answer.begin(), answer.end());
    bed.queries.push_back(example_of(std::move(tokens), prompt));
    bed.queries.back().targets.back() = gpu::kNoTarget;  // the end was not asked
    longest = std::max(longest, bed.queries.back().inputs.size());
  }
  bed.config = {.dim = 48,
                .hidden = 96,
                .layers = 2,
                .heads = 2,
                .context = static_cast<std::uint32_t>(longest),
                .vocab = words.vocab()};
  return bed;
}

}  // namespace orrery::model
