#include "harness/model/attribute.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "harness/model/near_copies.h"
#include "harness/model/trak.h"

namespace orrery::model {
namespace {

struct Named {
  AttributionMethod method;
  const char* name;
};
constexpr Named kMethods[] = {
    {AttributionMethod::kInfluence, "influence"}, {AttributionMethod::kGradDot, "graddot"},
    {AttributionMethod::kTracIn, "tracin"},       {AttributionMethod::kTrak, "trak"},
    {AttributionMethod::kSuffix, "suffix"},       {AttributionMethod::kKnnShapley, "knn-shapley"}};

auto refuse(const std::string& what) { return fail(ErrorCode::kInvalidArgument, what); }

Status check(AttributionMethod method, const AttributionTask& task) {
  if (task.documents.empty() || task.queries.empty()) return refuse("no documents or no queries");
  for (const Query& q : task.queries) {
    if (q.answer.empty()) return refuse("a query's answer is empty");
  }
  if (!needs_model(method)) return {};
  if (task.checkpoints.empty()) return refuse("this method needs a trained model");
  const gpu::ModelConfig& config = task.checkpoints.front().model.config;
  if (config.vocab != gpu::kByteVocab) {
    return refuse(fmt::format("the model reads {} tokens; only models of bytes ({}) can be asked",
                              config.vocab, gpu::kByteVocab));
  }
  for (const Query& q : task.queries) {
    const std::size_t length = q.prompt.size() + q.answer.size();
    if (length >= config.context) {
      return refuse(fmt::format("a query of {} bytes does not fit the model's context of {}",
                                length, config.context));
    }
  }
  return {};
}

Result<ScoreTable> model_scores(AttributionMethod method, const AttributionTask& task,
                                gpu::Parallel* parallel) {
  const std::uint32_t context = task.checkpoints.front().model.config.context;
  std::vector<Example> documents;
  std::vector<Example> queries;
  for (const Document& d : task.documents) documents.push_back(document_example(d.text, context));
  for (const Query& q : task.queries) queries.push_back(query_example(q, context));
  ScoreTable trak;
  GradientScores scores;
  const bool last_only = method == AttributionMethod::kGradDot;
  for (const Checkpoint& c : last_only ? task.checkpoints.last(1) : task.checkpoints) {
    const CheckpointTexts texts{documents, queries, c.weight};
    if (method == AttributionMethod::kTrak) {
      TRY(add_trak(c.model, texts, {}, parallel, trak));
    } else {
      TRY(add_checkpoint(c.model, texts, parallel, scores));
    }
  }
  if (method == AttributionMethod::kTrak) return trak;
  return std::move(method == AttributionMethod::kInfluence ? scores.influence : scores.dot);
}

}  // namespace

Result<AttributionMethod> attribution_method(const std::string& name) {
  std::string names;
  for (const Named& m : kMethods) {
    if (name == m.name) return m.method;
    names += (names.empty() ? "" : ", ") + std::string(m.name);
  }
  return refuse(fmt::format("there is no method {:?}; take one of {}", name, names));
}

bool needs_model(AttributionMethod method) {
  return method != AttributionMethod::kSuffix && method != AttributionMethod::kKnnShapley;
}

Result<ScoreTable> attribution_scores(AttributionMethod method, const AttributionTask& task,
                                      gpu::Parallel* parallel) {
  TRY(check(method, task));
  if (method == AttributionMethod::kSuffix) return suffix_match(task.documents, task.queries);
  if (method == AttributionMethod::kKnnShapley) {
    return knn_shapley_of_texts(task.documents, task.queries);
  }
  return model_scores(method, task, parallel);
}

Result<AttributionAnswer> attribute(AttributionMethod method, const AttributionTask& task,
                                    std::size_t top, gpu::Parallel* parallel) {
  const std::vector<std::uint32_t> first = first_of_copies(task.documents);
  std::vector<std::size_t> places;  // of the documents that are scored
  std::vector<Document> documents;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first[i] != i) continue;
    places.push_back(i);
    documents.push_back(task.documents[i]);
  }
  ASSIGN_OR_RETURN(
      const ScoreTable table,
      attribution_scores(method, {task.checkpoints, documents, task.queries}, parallel));
  std::vector<std::uint32_t> themselves(documents.size());
  for (std::uint32_t i = 0; i < themselves.size(); ++i) themselves[i] = i;
  AttributionAnswer answer;
  answer.copies = task.documents.size() - documents.size();
  for (std::size_t q = 0; q < task.queries.size(); ++q) {
    const auto scores = table.of(q);
    const auto order = ranking(scores);
    Attribution one;
    for (std::size_t i = 0; i < std::min(top, order.size()); ++i) {
      one.best.push_back({places[order[i]], scores[order[i]]});
    }
    one.paid = payouts(scores, documents, themselves, kAttributionUnits);
    answer.queries.push_back(std::move(one));
  }
  return answer;
}

}  // namespace orrery::model
