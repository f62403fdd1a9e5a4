#include "harness/model/attribution.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/base/ensure.h"
#include "engine/base/integer.h"
#include "harness/model/near_copies.h"

namespace orrery::model {
namespace {

constexpr std::int64_t kOneQ32 = std::int64_t{1} << 32;

}  // namespace

Example document_example(std::string_view text, std::uint32_t context) {
  Example e;
  e.inputs.push_back(gpu::kTokenBos);
  for (const char c : text) e.inputs.push_back(static_cast<std::uint8_t>(c));
  e.targets.assign(e.inputs.begin() + 1, e.inputs.end());
  e.targets.push_back(gpu::kTokenEos);
  e.inputs.resize(std::min<std::size_t>(e.inputs.size(), context));
  e.targets.resize(e.inputs.size());
  return e;
}

Example query_example(const Query& query, std::uint32_t context) {
  Example e = document_example(query.prompt + query.answer, context);
  ENSURE(query.prompt.size() + query.answer.size() < context && !query.answer.empty(),
         "a query within the context");
  for (std::size_t i = 0; i < e.targets.size(); ++i) {
    const bool counts = i >= query.prompt.size() && i < query.prompt.size() + query.answer.size();
    if (!counts) e.targets[i] = gpu::kNoTarget;
  }
  return e;
}

ScoreTable suffix_match(std::span<const Document> documents, std::span<const Query> queries) {
  ScoreTable table{queries.size(), documents.size(), {}};
  for (const Query& query : queries) {
    std::vector<std::int64_t> scores(documents.size());
    const std::string whole = query.prompt + query.answer;
    for (std::size_t end = query.prompt.size() + 1; end <= whole.size(); ++end) {
      const std::string_view before = std::string_view(whole).substr(0, end);
      // Longest suffix of `before` that each document holds: a longer one implies the shorter.
      std::vector<std::size_t> lengths;
      for (const Document& d : documents) {
        std::size_t low = 0;
        std::size_t high = end;
        while (low < high) {
          const std::size_t middle = (low + high + 1) / 2;
          const bool holds = d.text.find(before.substr(end - middle)) != std::string::npos;
          (holds ? low : high) = holds ? middle : middle - 1;
        }
        lengths.push_back(low);
      }
      const std::size_t longest = *std::max_element(lengths.begin(), lengths.end());
      const auto holders = std::count(lengths.begin(), lengths.end(), longest);
      for (std::size_t i = 0; i < lengths.size() && longest > 0; ++i) {
        if (lengths[i] != longest) continue;
        scores[i] += static_cast<std::int64_t>(longest * longest) * kOneQ32 / holders;
      }
    }
    table.scores.insert(table.scores.end(), scores.begin(), scores.end());
  }
  return table;
}

std::vector<std::int64_t> knn_shapley(std::span<const std::int64_t> distances,
                                      std::span<const std::uint8_t> agrees, std::uint32_t k) {
  ENSURE(distances.size() == agrees.size() && !agrees.empty() && k >= 1, "votes for each distance");
  const std::size_t n = distances.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return distances[a] < distances[b]; });
  const auto vote = [&](std::size_t rank) { return agrees[order[rank]] != 0 ? 1 : 0; };
  const auto floor_divide = [](std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
  };
  std::vector<std::int64_t> values(n);
  std::int64_t s = floor_divide(vote(n - 1) * kOneQ32, static_cast<std::int64_t>(n));
  if (n < k) s = floor_divide(vote(n - 1) * kOneQ32, k);
  values[order[n - 1]] = s;
  for (std::size_t i = n - 1; i-- > 0;) {
    // 1-based rank i + 1: s_i = s_{i+1} + (vote_i - vote_{i+1}) / K * min(K, i) / i.
    const auto rank = static_cast<std::int64_t>(i + 1);
    const std::int64_t nearest = std::min<std::int64_t>(k, rank);
    s += floor_divide((vote(i) - vote(i + 1)) * kOneQ32 * nearest,
                      static_cast<std::int64_t>(k) * rank);
    values[order[i]] = s;
  }
  return values;
}

ScoreTable knn_shapley_of_texts(std::span<const Document> documents,
                                std::span<const Query> queries) {
  constexpr std::uint32_t kVoters = 5;
  constexpr std::size_t kLetters = 5;  // of a run: shorter than most words
  std::vector<std::vector<std::uint64_t>> shingles;
  for (const Document& d : documents) shingles.push_back(shingles_of(d.text, kLetters));
  ScoreTable table{queries.size(), documents.size(), {}};
  for (const Query& query : queries) {
    const auto asked = shingles_of(query.prompt, kLetters);
    std::vector<std::int64_t> distances;
    std::vector<std::uint8_t> agrees;
    for (std::size_t i = 0; i < documents.size(); ++i) {
      distances.push_back(-static_cast<std::int64_t>(common(asked, shingles[i])));
      agrees.push_back(documents[i].text.find(query.answer) != std::string::npos);
    }
    const auto values = knn_shapley(distances, agrees, kVoters);
    table.scores.insert(table.scores.end(), values.begin(), values.end());
  }
  return table;
}

std::vector<std::size_t> ranking(std::span<const std::int64_t> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  return order;
}

AttributionQuality judge(const ScoreTable& table, const Corpus& corpus,
                         std::span<const std::size_t> queries) {
  AttributionQuality quality{queries.size(), 0, 0};
  const std::vector<std::uint32_t> representatives = first_of_equals(corpus.documents);
  std::size_t with_facts = 0;
  for (const std::size_t q : queries) {
    const Query& query = corpus.queries[q];
    const auto scores = table.of(q);
    if (query.kind != QueryKind::kStyle) {
      const auto order = ranking(scores);
      int found = 0;
      for (std::size_t i = 0; i < std::min<std::size_t>(5, order.size()); ++i) {
        const auto& facts = corpus.documents[order[i]].facts;
        found += std::find(facts.begin(), facts.end(), query.fact) != facts.end();
      }
      quality.recall_at_5 += found / 5.0;
      ++with_facts;
    }
    const auto paid = payouts(scores, corpus.documents, representatives, 1'000'000);
    const auto best = std::max_element(paid.begin(), paid.end());
    const bool right = best != paid.end() && *best > 0 &&
                       static_cast<std::uint32_t>(best - paid.begin()) == query.contributor;
    quality.top1_contributor += right;
  }
  if (with_facts > 0) quality.recall_at_5 /= static_cast<double>(with_facts);
  if (!queries.empty()) quality.top1_contributor /= static_cast<double>(queries.size());
  return quality;
}

std::vector<std::uint64_t> payouts(std::span<const std::int64_t> scores,
                                   std::span<const Document> documents,
                                   std::span<const std::uint32_t> representatives,
                                   std::uint64_t amount) {
  ENSURE(scores.size() == documents.size() && scores.size() == representatives.size(),
         "a score and a representative for each document");
  std::uint32_t contributors = 0;
  for (const Document& d : documents) contributors = std::max(contributors, d.contributor + 1);
  std::vector<u128> weights(contributors);
  u128 total = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (representatives[i] != i || scores[i] <= 0) continue;
    weights[documents[i].contributor] += static_cast<u128>(scores[i]);
    total += static_cast<u128>(scores[i]);
  }
  std::vector<std::uint64_t> paid(contributors);
  if (total == 0) return paid;
  // Weights in 62 bits, so that products with the amount fit.
  int shift = 0;
  while ((total >> shift) >> 62 != 0) ++shift;
  total = 0;
  for (u128& w : weights) total += w >>= shift;
  if (total == 0) return paid;
  std::uint64_t left = amount;
  std::vector<std::pair<u128, std::uint32_t>> remainders;
  for (std::uint32_t c = 0; c < contributors; ++c) {
    const u128 share = weights[c] * amount;
    paid[c] = static_cast<std::uint64_t>(share / total);
    left -= paid[c];
    remainders.emplace_back(share % total, c);
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::uint64_t i = 0; i < left; ++i) ++paid[remainders[i].second];
  return paid;
}

}  // namespace orrery::model
