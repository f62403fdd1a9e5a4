#include "harness/run/prompts.h"

#include <array>

#include "harness/model/zoo.h"
#include "scenarios/schema/trained_models.h"

namespace orrery::run {
namespace {

constexpr std::array<std::string_view, 24> kWords = {
    "the",   "planet", "orbit", "why",   "does",  "a",     "model", "learn",
    "chain", "block",  "moon",  "how",   "many",  "gears", "turn",  "slowly",
    "tell",  "me",     "about", "light", "tides", "and",   "stars", "today"};

std::string plain_words(RandomStream& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    if (!text.empty()) text += ' ';
    text += kWords[random.below(kWords.size())];
  }
  text.resize(bytes);
  return text;
}

// From the beginning of a word to the end of one.
std::string_view passage(std::string_view text, RandomStream& random, std::size_t bytes) {
  std::size_t at = text.size() > bytes ? random.below(text.size() - bytes + 1) : 0;
  while (at > 0 && text[at - 1] != ' ') --at;
  const std::string_view cut = text.substr(at, bytes);
  const bool whole = at + cut.size() == text.size() || text[at + cut.size()] == ' ';
  const std::size_t space = cut.rfind(' ');
  if (whole || space == std::string_view::npos || space == 0) return cut;
  return cut.substr(0, space);
}

}  // namespace

Result<Prompts> Prompts::make(const std::string& generator) {
  Prompts prompts;
  const scenario::TrainedModel* trained = scenario::trained_model(generator);
  if (trained == nullptr) return prompts;
  ASSIGN_OR_RETURN(const model::ZooEntry entry, model::zoo_entry(std::string(trained->size)));
  ASSIGN_OR_RETURN(model::SplitCorpus split, model::zoo_corpus(entry.corpus));
  for (model::Document& document : split.heldout.documents) {
    prompts.texts_.push_back(std::move(document.text));
  }
  return prompts;
}

Bytes Prompts::draw(RandomStream& random, std::size_t bytes) const {
  std::string text;
  if (texts_.empty()) {
    text = plain_words(random, bytes);
  } else {
    text = passage(texts_[random.below(texts_.size())], random, bytes);
  }
  return Bytes(text.begin(), text.end());
}

}  // namespace orrery::run
