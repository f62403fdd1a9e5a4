// bench_copies(), declared in bench_attribution.h.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>

#include "engine/base/random.h"
#include "harness/model/bench_attribution.h"
#include "harness/model/near_copies.h"

namespace orrery::model {
namespace {

constexpr std::uint32_t kAttackers = 3;
constexpr std::uint32_t kTimes = 5;  // a text is submitted again
constexpr double kMostGain = 1.1;

struct Attack {
  const char* name;
  std::uint32_t noise;  // per cent of the words that are exchanged for other words of the corpus
  bool own;             // texts are the attacker's own; else those of the next contributor
  bool identities;      // each time under a new name
  bool protect;         // near copies count once, in training and in payouts
};
constexpr Attack kAttacks[] = {
    {"exact", 0, true, false, true},       {"near-5%", 5, true, false, true},
    {"near-10%", 10, true, false, true},   {"near-20%", 20, true, false, true},
    {"identities", 0, true, true, true},   {"theft", 0, false, false, true},
    {"theft-10%", 10, false, false, true}, {"exact.unprotected", 0, true, false, false}};

// Copies that the quotient does not see are beyond what is promised.
bool promised(const Attack& attack) { return attack.protect && attack.noise <= 10; }

std::string noisy(const std::string& text, std::uint32_t percent,
                  const std::vector<std::string>& others, RandomStream& random) {
  std::string out;
  for (const std::string_view word : words_of(text)) {
    if (!out.empty()) out += ' ';
    out += random.below(100) < percent ? others[random.below(others.size())] : word;
  }
  return out;
}

// The corpus with the attacker's copies, registered after all others.
Corpus attacked(const Corpus& corpus, const Attack& attack, std::uint32_t attacker) {
  std::set<std::string> all;
  std::uint32_t contributors = 0;
  for (const Document& d : corpus.documents) {
    for (const std::string_view w : words_of(d.text)) all.emplace(w);
    contributors = std::max(contributors, d.contributor + 1);
  }
  const std::vector<std::string> others(all.begin(), all.end());
  RandomStream random(attacker, attack.noise, stream_id("bench.copies"));
  const std::uint32_t victim = attack.own ? attacker : (attacker + 1) % contributors;
  Corpus out = corpus;
  for (std::uint32_t time = 0; time < kTimes; ++time) {
    for (const Document& d : corpus.documents) {
      if (d.contributor != victim) continue;
      Document copy = d;
      copy.contributor = attack.identities ? contributors + time : attacker;
      copy.text = noisy(d.text, attack.noise, others, random);
      out.documents.push_back(std::move(copy));
    }
  }
  return out;
}

// What each contributor is paid over all queries by models trained on the members.
Result<std::vector<double>> paid_for(const WordBed& bed, std::span<const std::size_t> members,
                                     const StudyOptions& study) {
  ASSIGN_OR_RETURN(const ScoreTable table, influence_scores(bed, members, study, nullptr));
  std::vector<Document> documents;
  for (const std::size_t m : members) documents.push_back(bed.corpus.documents[m]);
  std::vector<std::uint32_t> themselves(members.size());
  std::iota(themselves.begin(), themselves.end(), 0u);
  std::vector<double> sums;
  for (std::size_t q = 0; q < table.queries; ++q) {
    const auto paid = payouts(table.of(q), documents, themselves, 1'000'000);
    sums.resize(std::max(sums.size(), paid.size()));
    for (std::size_t c = 0; c < paid.size(); ++c) sums[c] += static_cast<double>(paid[c]);
  }
  return sums;
}

std::vector<std::size_t> members_of(const Corpus& corpus, bool protect) {
  std::vector<std::uint32_t> first(corpus.documents.size());
  std::iota(first.begin(), first.end(), 0u);
  if (protect) first = first_of_copies(corpus.documents);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first[i] == i) out.push_back(i);
  }
  return out;
}

struct Honest {
  StudyOptions study;
  std::vector<std::size_t> members;
  std::vector<double> paid;
};

Result<double> gain_of(const WordBed& bed, const Attack& attack, std::uint32_t attacker,
                       const Honest& honest) {
  const WordBed after = make_word_bed(bed.name, attacked(bed.corpus, attack, attacker));
  const auto members = members_of(after.corpus, attack.protect);
  std::vector<double> paid = honest.paid;  // the same texts train the same model, to the bit
  if (members != honest.members) {
    ASSIGN_OR_RETURN(paid, paid_for(after, members, honest.study));
  }
  double mine = paid[attacker];
  if (attack.identities) {
    for (std::size_t c = honest.paid.size(); c < paid.size(); ++c) mine += paid[c];
  }
  return mine / honest.paid[attacker];
}

}  // namespace

Result<std::vector<AttributionRow>> bench_copies(const WordBed& bed, const StudyOptions& study,
                                                 gpu::Parallel* parallel) {
  Honest honest{study, members_of(bed.corpus, true), {}};
  ASSIGN_OR_RETURN(honest.paid, paid_for(bed, honest.members, study));
  const auto attackers =
      std::min<std::uint32_t>(kAttackers, static_cast<std::uint32_t>(honest.paid.size()));
  const auto jobs = static_cast<std::uint32_t>(std::size(kAttacks)) * attackers;
  std::vector<Result<double>> gains(jobs, 0.0);
  gpu::Serial serial;
  gpu::Parallel& threads = parallel != nullptr ? *parallel : static_cast<gpu::Parallel&>(serial);
  std::atomic<std::uint32_t> next = 0;  // most attacks change nothing and take no time
  threads.each_part([&](std::uint32_t) {
    for (std::uint32_t job = next++; job < jobs; job = next++) {
      gains[job] = gain_of(bed, kAttacks[job / attackers], job % attackers, honest);
    }
  });
  std::vector<AttributionRow> rows;
  for (std::size_t a = 0; a < std::size(kAttacks); ++a) {
    AttributionRow row{.corpus = bed.name, .name = std::string("copies.") + kAttacks[a].name};
    for (std::size_t i = 0; i < attackers; ++i) {
      ASSIGN_OR_RETURN(const double gain, std::move(gains[a * attackers + i]));
      row.value = std::max(row.value, gain);
    }
    if (promised(kAttacks[a])) row.target = kMostGain;
    row.at_most = true;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace orrery::model
