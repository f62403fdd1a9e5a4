#include "harness/model/attribute.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "gpu/cuda/device_attribution.h"
#include "harness/model/logra.h"
#include "harness/model/near_copies.h"
#include "harness/model/trak.h"

namespace orrery::model {
namespace {

struct Named {
  AttributionMethod method;
  const char* name;
};
constexpr Named kMethods[] = {{AttributionMethod::kInfluence, "influence"},
                              {AttributionMethod::kLogra, "logra"},
                              {AttributionMethod::kGradDot, "graddot"},
                              {AttributionMethod::kTracIn, "tracin"},
                              {AttributionMethod::kTrak, "trak"},
                              {AttributionMethod::kSuffix, "suffix"},
                              {AttributionMethod::kKnnShapley, "knn-shapley"}};

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
                                const Workers& workers) {
  const std::uint32_t context = task.checkpoints.front().model.config.context;
  std::vector<Example> documents;
  std::vector<Example> queries;
  for (const Document& d : task.documents) documents.push_back(document_example(d.text, context));
  for (const Query& q : task.queries) queries.push_back(query_example(q, context));
  const bool last_only = method == AttributionMethod::kGradDot;
  const auto checkpoints = last_only ? task.checkpoints.last(1) : task.checkpoints;
  ScoreTable projected;
  GradientScores scores;
  std::size_t before = 0;
  for (const Checkpoint& c : checkpoints) {
    const auto progress = [&](std::size_t done, std::size_t of) {
      if (task.progress) task.progress(before * of + done, checkpoints.size() * of);
    };
    const CheckpointTexts texts{documents, queries, c.weight, progress};
    if (method == AttributionMethod::kTrak) {
      TRY(add_trak(c.model, texts, {}, workers, projected));
    } else if (method == AttributionMethod::kLogra) {
      TRY(add_logra(c.model, texts, {}, workers, projected));
    } else {
      TRY(add_checkpoint(c.model, texts, workers, scores));
    }
    ++before;
  }
  if (!projected.scores.empty()) return projected;
  return std::move(method == AttributionMethod::kInfluence ? scores.influence : scores.dot);
}

// The places of the `top` highest scores of each query, best first, the lower among equals.
Result<std::vector<std::vector<std::size_t>>> best_of(const ScoreTable& table, std::size_t top,
                                                      const Workers& workers) {
  std::vector<std::vector<std::size_t>> out;
  if (workers.accelerator != nullptr) {
    const auto k = static_cast<std::uint32_t>(top);
    ASSIGN_OR_RETURN(const auto best,
                     gpu::best_scores(*workers.accelerator,
                                      {table.scores, static_cast<std::uint32_t>(table.queries),
                                       static_cast<std::uint32_t>(table.documents)},
                                      k));
    for (std::size_t at = 0; at < best.size(); at += top) {
      const auto first = best.begin() + static_cast<std::ptrdiff_t>(at);
      out.emplace_back(first, first + k);
    }
    return out;
  }
  for (std::size_t q = 0; q < table.queries; ++q) {
    out.push_back(ranking(table.of(q)));
    out.back().resize(top);
  }
  return out;
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

std::string method_name(AttributionMethod method) {
  for (const Named& m : kMethods) {
    if (m.method == method) return m.name;
  }
  return "";
}

bool needs_model(AttributionMethod method) {
  return method != AttributionMethod::kSuffix && method != AttributionMethod::kKnnShapley;
}

AttributionMethod method_for(AttributionMethod method, std::size_t texts, std::size_t parameters) {
  const bool projects = method == AttributionMethod::kInfluence && !fits_in_full(texts, parameters);
  return projects ? AttributionMethod::kLogra : method;
}

Result<ScoreTable> attribution_scores(AttributionMethod method, const AttributionTask& task,
                                      const Workers& workers) {
  TRY(check(method, task));
  if (method == AttributionMethod::kSuffix) return suffix_match(task.documents, task.queries);
  if (method == AttributionMethod::kKnnShapley) {
    return knn_shapley_of_texts(task.documents, task.queries);
  }
  return model_scores(method, task, workers);
}

Result<AttributionAnswer> attribute(AttributionMethod method, const AttributionTask& task,
                                    std::size_t top, const Workers& workers) {
  const std::vector<std::uint32_t> first = first_of_copies(task.documents);
  std::vector<std::size_t> places;  // of the documents that are scored
  std::vector<Document> documents;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first[i] != i) continue;
    places.push_back(i);
    documents.push_back(task.documents[i]);
  }
  AttributionTask scored = task;
  scored.documents = documents;
  AttributionAnswer answer{method, {}, task.documents.size() - documents.size()};
  if (!task.checkpoints.empty()) {
    const std::size_t texts = documents.size() + task.queries.size();
    answer.method = method_for(method, texts, task.checkpoints.front().model.values.size());
  }
  ASSIGN_OR_RETURN(const ScoreTable table, attribution_scores(answer.method, scored, workers));
  ASSIGN_OR_RETURN(const auto best, best_of(table, std::min(top, documents.size()), workers));
  std::vector<std::uint32_t> themselves(documents.size());
  for (std::uint32_t i = 0; i < themselves.size(); ++i) themselves[i] = i;
  for (std::size_t q = 0; q < task.queries.size(); ++q) {
    const auto scores = table.of(q);
    Attribution one;
    for (const std::size_t at : best[q]) one.best.push_back({places[at], scores[at]});
    one.paid = payouts(scores, documents, themselves, kAttributionUnits);
    answer.queries.push_back(std::move(one));
  }
  return answer;
}

}  // namespace orrery::model
