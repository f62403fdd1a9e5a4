#include "harness/model/attribute.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "gpu/cuda/host_accelerator.h"
#include "harness/model/corpus_file.h"
#include "harness/model/hf_llama.h"
#include "harness/model/json_text.h"
#include "harness/model/retraining.h"
#include "harness/model/thread_pool.h"
#include "harness/model/zoo.h"
#include "reports/record/write.h"

namespace orrery::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string fresh_folder(const std::string& name) {
  const std::string folder = testing::TempDir() + "attribute_test." + name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

Status write(const std::string& path, const std::string& text) {
  return report::write_file_atomically(path, text);
}

TEST(CorpusFile, ReadsWhatTheCorpusVerbWrites) {
  const std::string folder = fresh_folder("corpus");
  const Corpus corpus = *make_corpus({.contributors = 2, .documents = 10, .facts = 2});
  ASSERT_TRUE(write_corpus(corpus, folder));
  const auto documents = corpus_documents(folder);
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), corpus.documents.size());
  for (std::size_t i = 0; i < documents->size(); ++i) {
    EXPECT_EQ((*documents)[i].text, corpus.documents[i].text);
    EXPECT_EQ((*documents)[i].contributor, corpus.documents[i].contributor);
    EXPECT_EQ((*documents)[i].facts, corpus.documents[i].facts);
  }
  const auto queries = read_queries(folder + "/queries.jsonl");
  ASSERT_TRUE(queries) << queries.error().message;
  EXPECT_EQ(queries->size(), corpus.queries.size());
  EXPECT_EQ(queries->front().prompt, corpus.queries.front().prompt);
  EXPECT_EQ(queries->front().answer, corpus.queries.front().answer);
  EXPECT_EQ(corpus_documents("small")->size(), 540u);  // every tenth is held out
}

TEST(CorpusFile, SaysWhichLineIsWrong) {
  const std::string folder = fresh_folder("broken");
  const auto complaint = [&](const std::string& text) {
    EXPECT_TRUE(write(folder + "/documents.jsonl", text));
    const auto read = corpus_documents(folder);
    return read ? std::string("none") : read.error().message;
  };
  const std::string good = "{\"contributor\": 1, \"text\": \"a\"}\n";
  EXPECT_EQ(complaint(good + "\n" + good), "none");
  EXPECT_THAT(complaint(good + "{\"contributor\": 1}\n"), HasSubstr("documents.jsonl:2: "));
  EXPECT_THAT(complaint(good + "[1]\n"), HasSubstr(":2: expected a JSON object"));
  EXPECT_THAT(complaint("{\"contributor\": -1, \"text\": \"a\"}"), HasSubstr("contributor"));
  EXPECT_THAT(complaint("{\"contributor\": 4000000000, \"text\": \"a\"}"), HasSubstr("1000000"));
  EXPECT_THAT(complaint("{\"contributor\": 1, \"text\": \"\"}"), HasSubstr("empty"));
  EXPECT_THAT(complaint("{\"contributor\": 1, \"text\": \"a\", \"facts\": 1}"), HasSubstr("facts"));
  EXPECT_THAT(complaint("\n"), HasSubstr("no documents"));
  EXPECT_THAT(corpus_documents("tiny").error().message, HasSubstr("small, medium, large"));
}

// A model of the zoo after a few steps, as `orrery model train` leaves it.
std::string trained_folder(const std::string& name, std::uint32_t steps) {
  const std::string folder = fresh_folder(name);
  ZooEntry entry = *zoo_entry("0.3M");
  entry.options.steps = steps;
  Trainer trainer =
      *Trainer::start(entry.options, token_stream(zoo_corpus(entry.corpus)->training), nullptr);
  while (!trainer.done()) trainer.step();
  EXPECT_TRUE(export_llama(trainer.model(), folder));
  EXPECT_TRUE(write(folder + "/training.safetensors", std::string(as_text(trainer.checkpoint()))));
  return folder;
}

TEST(Checkpoints, AreMadeByTrainingAgainAndReadBack) {
  const std::string folder = trained_folder("keep", 3);
  auto read = read_checkpoints(folder);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 1u);  // the model itself
  const auto silent = [](std::uint64_t, std::uint64_t) {};
  ASSERT_TRUE(keep_checkpoints(folder, {.count = 2}, {}, silent));
  read = read_checkpoints(folder);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].step, 1u);
  EXPECT_EQ((*read)[1].step, 2u);
  EXPECT_GT((*read)[0].weight, 0);
  EXPECT_NE(parameters_digest((*read)[0].model), parameters_digest((*read)[1].model));
  EXPECT_FALSE(keep_checkpoints(folder, {.count = 2, .seed = 2}, {}, silent));
  EXPECT_FALSE(keep_checkpoints(folder, {.count = 0}, {}, silent));
  ASSERT_TRUE(write(folder + "/checkpoints/step-000009.safetensors", "not tensors"));
  EXPECT_FALSE(read_checkpoints(folder));
}

TEST(Checkpoints, ModelsOfHalvesAreTrainedOnceAndDifferInWhatTheySaw) {
  const std::string folder = trained_folder("halves", 12);
  std::uint64_t heard = 0;
  const auto report = [&](std::uint64_t done, std::uint64_t of) {
    heard = done;
    EXPECT_EQ(of, 2u);
  };
  ThreadPool pool(2);
  ASSERT_TRUE(keep_halves(folder, {.count = 2}, {&pool}, report));
  EXPECT_EQ(heard, 2u);
  const auto read = read_halves(folder, 2);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ((*read)[i].step, 4 + i % 3);  // of six, half the run's
    EXPECT_EQ((*read)[i].weight, 1);
  }
  EXPECT_NE(parameters_digest((*read)[2].model), parameters_digest((*read)[5].model));
  // The second by hand.
  TrainOptions options = zoo_entry("0.3M")->options;
  options.steps = 6;
  options.seed = 1'001;
  const Corpus all = zoo_corpus("small")->training;
  Corpus half;
  for (const std::size_t d : random_half(all.documents.size(), 1, 1'000)) {
    half.documents.push_back(all.documents[d]);
  }
  EXPECT_EQ(half.documents.size(), all.documents.size() / 2);
  Trainer trainer = *Trainer::start(options, token_stream(half), nullptr);
  while (!trainer.done()) ASSERT_TRUE(trainer.step());
  EXPECT_EQ(parameters_digest(trainer.model()), parameters_digest((*read)[5].model));
  // The first is the same alone; what is there is not made again.
  const std::string path = folder + "/halves/model-000-6.safetensors";
  const auto bytes = *read_text_file(path);
  ASSERT_TRUE(std::filesystem::remove(path));
  ASSERT_TRUE(keep_halves(folder, {.count = 1}, {}, [](auto, auto) {}));
  EXPECT_EQ(*read_text_file(path), bytes);
  // And on an accelerator.
  gpu::HostAccelerator host(1);
  ASSERT_TRUE(std::filesystem::remove(path));
  ASSERT_TRUE(keep_halves(folder, {.count = 1}, {&pool, &host}, [](auto, auto) {}));
  EXPECT_EQ(*read_text_file(path), bytes);
  EXPECT_FALSE(read_halves(folder, 3));
  EXPECT_FALSE(keep_halves(folder, {.count = 2, .seed = 2}, {}, report));
  EXPECT_FALSE(keep_halves(folder, {.count = 0}, {}, report));
}

TEST(Checkpoints, AFolderWhoseModelWasExchangedIsRefused) {
  const std::string folder = trained_folder("exchanged", 1);
  ASSERT_TRUE(export_llama(gpu::make_f32_model(zoo_entry("0.3M")->options.config, 77), folder));
  const auto kept = keep_checkpoints(folder, {.count = 1}, {}, [](auto, auto) {});
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kRefused);
  EXPECT_FALSE(std::filesystem::exists(folder + "/checkpoints"));
}

struct Asked {
  std::vector<Checkpoint> checkpoints;
  std::vector<Document> documents{{0, {}, "the moon is made of cheese"},
                                  {1, {}, "a boat sails over the sea"},
                                  {2, {}, "The moon is  made of cheese"},
                                  {3, {}, "winds blow and sails tear"}};
  std::vector<Query> queries{{.prompt = "the moon is ", .answer = "made of cheese"}};

  Asked() {
    const gpu::ModelConfig config{.dim = 16, .hidden = 32, .layers = 1, .heads = 2, .context = 48};
    checkpoints.push_back({1, 1.0, gpu::make_f32_model(config, 3)});
    checkpoints.push_back({2, 0.5, gpu::make_f32_model(config, 4)});
  }
  AttributionTask task() const { return {checkpoints, documents, queries}; }
};

TEST(Attribute, EachMethodFindsTheTextThatWasSaidAndPaysItsFirstOwner) {
  const Asked asked;
  for (const char* name :
       {"influence", "logra", "graddot", "tracin", "trak", "suffix", "knn-shapley"}) {
    const auto made = attribute(*attribution_method(name), asked.task(), 2, {});
    ASSERT_TRUE(made) << name << ": " << made.error().message;
    EXPECT_EQ(made->copies, 1u) << name;
    ASSERT_EQ(made->queries[0].best.size(), 2u);
    EXPECT_EQ(made->queries[0].best[0].document, 0u) << name;
    const auto& paid = made->queries[0].paid;
    EXPECT_EQ(std::accumulate(paid.begin(), paid.end(), std::uint64_t{0}), kAttributionUnits);
    EXPECT_EQ(std::max_element(paid.begin(), paid.end()) - paid.begin(), 0) << name;
  }
  EXPECT_FALSE(attribution_method("magic"));
}

TEST(Attribute, ScoresAreTheSameBitsOnAnyNumberOfThreads) {
  const Asked asked;
  ThreadPool pool(2);
  for (const char* name : {"influence", "logra", "graddot", "tracin", "trak"}) {
    const auto method = *attribution_method(name);
    EXPECT_EQ(attribution_scores(method, asked.task(), {})->scores,
              attribution_scores(method, asked.task(), {&pool})->scores)
        << name;
  }
}

TEST(Attribute, ScoresAndOrderAreTheSameOnAnAccelerator) {
  const Asked asked;
  gpu::HostAccelerator host(4);
  for (const char* name : {"influence", "logra", "graddot", "tracin", "trak", "suffix"}) {
    const auto method = *attribution_method(name);
    const auto here = attribute(method, asked.task(), 3, {});
    const auto there = attribute(method, asked.task(), 3, {nullptr, &host});
    ASSERT_TRUE(here && there) << name;
    EXPECT_EQ(here->queries[0].paid, there->queries[0].paid) << name;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(here->queries[0].best[i].document, there->queries[0].best[i].document) << name;
      EXPECT_EQ(here->queries[0].best[i].score, there->queries[0].best[i].score) << name;
    }
  }
}

TEST(Attribute, ProjectsWhatDoesNotFitAndTellsHowFarItIs) {
  EXPECT_EQ(method_for(AttributionMethod::kInfluence, 20'000, 50'000),
            AttributionMethod::kInfluence);
  EXPECT_EQ(method_for(AttributionMethod::kInfluence, 20'001, 1), AttributionMethod::kLogra);
  EXPECT_EQ(method_for(AttributionMethod::kInfluence, 600, 15'000'000), AttributionMethod::kLogra);
  EXPECT_EQ(method_for(AttributionMethod::kTrak, 600, 15'000'000), AttributionMethod::kTrak);
  const Asked asked;
  AttributionTask task = asked.task();
  std::vector<std::size_t> heard;
  task.progress = [&](std::size_t done, std::size_t of) {
    heard.push_back(done);
    EXPECT_EQ(of, 2 * 5u);  // two checkpoints of four documents and a query
  };
  ASSERT_TRUE(attribution_scores(AttributionMethod::kInfluence, task, {}));
  ASSERT_EQ(heard.size(), 10u);
  for (std::size_t i = 0; i < heard.size(); ++i) EXPECT_EQ(heard[i], i + 1);
}

TEST(Attribute, GradDotTakesTheLastCheckpointAndTracInAllByTheirWeights) {
  const Asked asked;
  const auto last = std::span(asked.checkpoints).last(1);
  const auto first = std::span(asked.checkpoints).first(1);
  const auto scores = [&](const char* name, std::span<const Checkpoint> of) {
    return attribution_scores(*attribution_method(name), {of, asked.documents, asked.queries}, {})
        ->scores;
  };
  const auto all = scores("tracin", asked.checkpoints);
  EXPECT_EQ(scores("graddot", asked.checkpoints), scores("tracin", last));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i], scores("tracin", first)[i] + scores("tracin", last)[i]);
  }
}

TEST(Attribute, RefusesWhatItCannotAnswer) {
  Asked asked;
  const auto influence = AttributionMethod::kInfluence;
  EXPECT_FALSE(attribute(influence, {{}, asked.documents, asked.queries}, 1, {}));
  EXPECT_FALSE(attribute(influence, {asked.checkpoints, {}, asked.queries}, 1, {}));
  asked.queries[0].answer = std::string(48, 'a');
  EXPECT_FALSE(attribute(influence, asked.task(), 1, {}));
  EXPECT_TRUE(attribute(AttributionMethod::kSuffix, asked.task(), 1, {}));
  asked.queries[0].answer = "";
  EXPECT_FALSE(attribute(AttributionMethod::kSuffix, asked.task(), 1, {}));
  asked.queries[0].answer = "a";
  asked.checkpoints[0].model = gpu::make_f32_model(
      {.dim = 16, .hidden = 32, .layers = 1, .heads = 2, .context = 48, .vocab = 300}, 3);
  EXPECT_FALSE(attribute(influence, asked.task(), 1, {}));
}

}  // namespace
}  // namespace orrery::model
