// Chats that a trained model answers: in the language of the texts it was trained on.
#include <set>

#include "harness/model/zoo.h"
#include "harness/model/zoo_artefact.h"
#include "harness/run/prompts.h"
#include "scenarios/schema/trained_models.h"
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

constexpr std::string_view kGenerator = "trained-0.3M";

// Runs of letters; `whole` says whether the last one ends where the text ends or is cut off.
std::vector<std::string> words_of(std::string_view text, bool whole) {
  std::vector<std::string> words{""};
  for (const char c : text) {
    if (c >= 'a' && c <= 'z') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (!whole || words.back().empty()) words.pop_back();
  return words;
}

std::set<std::string> lexicon() {
  std::set<std::string> words;
  const auto split = model::zoo_corpus("small");
  for (const model::Corpus* part : {&split->training, &split->heldout}) {
    for (const model::Document& document : part->documents) {
      words.merge([&] {
        const auto of = words_of(document.text, true);
        return std::set<std::string>(of.begin(), of.end());
      }());
    }
  }
  return words;
}

// Of the whole words in the answers of a small world to chats, the share that the corpus knows.
double share_of_known_words(const std::string& model) {
  SmallWorld small{.until = "6m"};
  small.load =
      "{name: chats, users: group(users), rate: 8/m, start: t+20s, "
      "prompt: \"uniform(16B, 64B)\", output: 40}";
  std::string text = text_of(small);
  const std::string was = "dim: 32, hidden: 64, layers: 1, heads: 2";
  text.replace(text.find(was), was.size(), model);
  const auto record = run_scenario(load(text), {});
  EXPECT_TRUE(record.has_value());
  const std::set<std::string> known = lexicon();
  std::size_t words = 0, found = 0, answers = 0;
  for (const report::TaskRow& row : record->task_rows) {
    if (row.answer.empty()) continue;
    ++answers;
    for (const std::string& word : words_of(row.answer, row.tokens < 40)) {
      ++words;
      found += known.contains(word);
    }
  }
  EXPECT_GE(answers, 40u);
  EXPECT_GE(words, 100u);
  return static_cast<double>(found) / static_cast<double>(words);
}

TEST(TrainedModel, AnswersInTheWordsOfItsCorpusAndASeededOneDoesNot) {
  EXPECT_GE(share_of_known_words("generator: trained-0.3M"), 0.75);
  EXPECT_LE(share_of_known_words("dim: 32, hidden: 64, layers: 1, heads: 2"), 0.1);
}

TEST(TrainedModel, IsWhatTheTableOfScenariosSays) {
  const scenario::TrainedModel* trained = scenario::trained_model(kGenerator);
  ASSERT_NE(trained, nullptr);
  const auto artefact = model::zoo_artefact(trained->size, trained->artefact);
  ASSERT_TRUE(artefact) << artefact.error().message;
  const gpu::ModelConfig& c = artefact->config;
  EXPECT_EQ(c.dim, trained->dim);
  EXPECT_EQ(c.hidden, trained->hidden);
  EXPECT_EQ(c.layers, trained->layers);
  EXPECT_EQ(c.heads, trained->heads);
  EXPECT_EQ(c.context, trained->context);
  const auto entry = model::zoo_entry(std::string(trained->size));
  EXPECT_EQ(entry->options.config, c);
  EXPECT_EQ(entry->artefact, trained->artefact);
  const std::string other(64, '0');
  EXPECT_EQ(model::zoo_artefact(trained->size, other).error().code, ErrorCode::kRefused);
  EXPECT_EQ(model::zoo_artefact("3M", other).error().code, ErrorCode::kNotFound);
}

TEST(TrainedModel, IsAskedWithWholeWordsOfTextsThatItHasNotSeen) {
  const auto prompts = Prompts::make(std::string(kGenerator));
  ASSERT_TRUE(prompts);
  const auto split = model::zoo_corpus("small");
  std::string all;
  for (const model::Document& document : split->heldout.documents) all += ' ' + document.text + ' ';
  RandomStream random(1, 0, stream_id("prompts test"));
  std::set<std::string> seen;
  for (int i = 0; i < 300; ++i) {
    const std::size_t bytes = 12 + static_cast<std::size_t>(i) % 60;
    const std::string prompt(as_text(prompts->draw(random, bytes)));
    EXPECT_LE(prompt.size(), bytes);
    EXPECT_NE(all.find(' ' + prompt + ' '), std::string::npos) << prompt;
    seen.insert(prompt);
  }
  EXPECT_GE(seen.size(), 290u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(prompts->draw(random, 1).size(), 1u);
}

}  // namespace
}  // namespace orrery::run
