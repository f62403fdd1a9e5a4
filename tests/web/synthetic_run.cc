#include "tests/web/synthetic_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/hash.h"
#include "engine/base/integer.h"

namespace orrery::report {

const char* const kHostilePrompt =
    "</script><script>window.pwned=1</script><img src=x onerror=\"window.pwned=2\"> & 'quotes' "
    "<!-- \\u003c {{data}}";

namespace {

constexpr double kSeconds = 1800;
constexpr u128 kToken = 1'000'000'000'000'000'000;
constexpr u128 kBlockReward = 12 * kToken + 345'678'901'234'567'891;

// Draws of this fixture only; the constants are those of Knuth's MMIX generator.
class Draws {
 public:
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(next() * static_cast<double>(n));
  }

 private:
  std::uint64_t state_ = 20240607;
};

std::string hash_of(const std::string& text) { return to_hex(sha256(as_bytes(text))); }
std::string digest_of(const std::string& text) { return hash_of(text).substr(0, 32); }

struct Pools {
  u128 rewards = 400'000'000 * kToken, vesting = 200'000'000 * kToken,
       ecosystem = 150'000'000 * kToken, sale = 149'000'000 * kToken,
       reserve = 100'000'000 * kToken, liquid = 900'000 * kToken, staked = 100'000 * kToken,
       unbonding = 0, escrow = 0, fund = 0, treasury = 0, models_carry = 0, burnt = 0;

  std::vector<std::pair<std::string, u128>> list() const {
    return {{"rewards", rewards}, {"vesting", vesting},     {"ecosystem", ecosystem},
            {"sale", sale},       {"reserve", reserve},     {"liquid", liquid},
            {"staked", staked},   {"unbonding", unbonding}, {"escrow", escrow},
            {"fund", fund},       {"treasury", treasury},   {"models_carry", models_carry},
            {"burnt", burnt}};
  }
};

void add_nodes(RunRecord& r, Draws& draws) {
  const char* regions[] = {"eu-west", "us-east", "ap-south", "sa-east"};
  const auto add = [&](const char* group, const char* role, int n, const char* stake) {
    for (int i = 0; i < n; ++i) {
      NodeRow node;
      node.name = fmt::format("{}-{}", group, i);
      node.group = group;
      node.role = role;
      node.region = regions[r.nodes.size() % 4];
      node.digest = digest_of(node.name);
      node.messages_sent = 9000 + draws.below(4000);
      node.bytes_sent = node.messages_sent * 310;
      node.boots = 1;
      node.stake = stake;
      node.behaviour = "honest";
      r.nodes.push_back(node);
    }
  };
  add("seeds", "bootstrap", 2, "0");
  add("validators", "validator", 7, "10000000000000000000000");
  add("workers", "miner", 13, "2000000000000000000000");
  add("users", "user", 6, "0");
  for (std::uint32_t i = 0; i < r.nodes.size(); ++i) {
    for (int k = 0; k < 3; ++k) {
      const auto j = static_cast<std::uint32_t>(draws.below(r.nodes.size()));
      if (j == i) continue;
      r.nodes[i].peers.push_back(j);
      r.nodes[j].peers.push_back(i);
    }
  }
  r.nodes[13].behaviour = "wrong-output";
  r.nodes[13].slashed = true;
  r.nodes[5].behaviour = "double-voter";
  r.nodes[5].slashed = true;
  r.nodes[17].boots = 2;
}

void add_faults(RunRecord& r) {
  r.faults = {
      {1, "ocean-cut", "partition", "eu-west, us-east | ap-south, sa-east",
       "no message passes between the two sides", 400, 520},
      {2, "lying-worker", "behave", "workers-4", "returns outputs of a cheaper model", 700, -1},
      {3, "power-loss", "crash", "workers-8", "loses writes that were not synced; back after 60 s",
       900, 960},
      {4, "slow-ocean", "link", "ap-south", "latency lognormal(median=900ms, sigma=0.5), loss 2%",
       1250, 1400}};
  r.slashes = {{742.4, 74, "workers-4", "wrong-inference", "1000000000000000000000",
                "task 3f9a…: revealed digest 81c0… differs from the re-executed 5e77… at token 3"},
               {1130.0, 113, "validators-3", "double-vote", "2500000000000000000000",
                "two votes in epoch 56 with one key: targets 112/9d… and 112/40…"}};
}

// Blocks with memoryless intervals on slots of a second; while the ocean is cut they are rarer.
void add_blocks(RunRecord& r, Draws& draws) {
  double time = 0;
  std::string parent = hash_of("genesis");
  while (true) {
    const bool cut = time > 400 && time < 520;
    time = std::ceil(time - std::log(1 - draws.next()) * (cut ? 19 : 10));
    if (time >= kSeconds) break;
    BlockRow b;
    b.height = r.blocks.size() + 1;
    b.slot = static_cast<std::uint64_t>(time);
    b.time_s = time;
    b.hash = hash_of(fmt::format("block {}", b.height));
    b.parent = parent;
    b.proposer = fmt::format("workers-{}", draws.below(13));
    b.transactions = static_cast<std::uint32_t>(draws.below(40));
    b.proofs = static_cast<std::uint32_t>(draws.below(4));
    b.bytes = 700 + b.transactions * 214 + b.proofs * 480;
    b.work = b.proofs * 1'740'000;
    const double final_at = cut ? 524 + draws.next() * 8 : time + 2.1 + draws.next() * 6;
    b.finalized = final_at < kSeconds;
    b.finalized_time_s = b.finalized ? final_at : -1;
    const u128 part = kBlockReward / 100;
    b.reward_producer = to_decimal(kBlockReward - part * 40);
    b.reward_models = to_decimal(part * 20);
    b.reward_fund = to_decimal(part * 15);
    b.reward_treasury = to_decimal(part * 5);
    b.fees = to_decimal(b.transactions * (kToken / 1000));
    parent = b.hash;
    r.blocks.push_back(b);
  }
  r.height = r.blocks.size();
  for (const BlockRow& b : r.blocks) r.finalized_height += b.finalized ? 1 : 0;
}

void add_tasks(RunRecord& r, Draws& draws) {
  const std::pair<const char*, const char*> samples[] = {
      {"Once upon a time", " there was a small clock that knew where every planet would be."},
      {"The moon is", " a lamp for those who walk home late."},
      {"Write a line about rain.", " Rain reads the roof aloud, one drop a word."},
      {"Ein Satz über Uhren:", " Die Uhr fragt nie, wie spät es ist."},
      {"2 + 2 =", " 4, as it was yesterday"}};
  double time = 12;
  for (int i = 0; time < kSeconds - 5; ++i) {
    TaskRow t;
    t.id = hash_of(fmt::format("task {}", i)).substr(0, 16);
    t.kind = "chat";
    t.requester = fmt::format("users-{}", draws.below(6));
    t.workers = fmt::format("workers-{},workers-{}", draws.below(13), draws.below(13));
    t.requested_s = std::round(time * 100) / 100;
    t.requested_height = 1 + static_cast<std::uint64_t>(time / 10);
    const double end = time + 18 + draws.next() * 25;
    t.state = end < kSeconds ? "settled" : "revealed";
    if (time > 700 && time < 745 && i % 2 == 0) t.state = "slashed";
    if (time > 400 && time < 500 && i % 3 == 0) t.state = "refunded";
    t.ended_s = end < kSeconds ? end : -1;
    t.ended_height = end < kSeconds ? 1 + static_cast<std::uint64_t>(end / 10) : 0;
    t.tokens = 12 + draws.below(20);
    t.work = t.tokens * 58'000;
    t.escrow = to_decimal(t.tokens * (kToken / 1000));
    t.paid = t.state == "settled" ? t.escrow : "0";
    const auto& [prompt, answer] = samples[draws.below(5)];
    t.prompt = i == 0 ? kHostilePrompt : prompt;
    t.answer = t.state == "refunded" ? "" : i == 0 ? "bytes \xFF\xFE</title><b>bold</b>" : answer;
    r.task_rows.push_back(t);
    time += -std::log(1 - draws.next()) * 8;
  }
  r.tasks["requested"] = r.task_rows.size();
  for (const char* state : {"settled", "refunded", "slashed"}) {
    r.tasks[state] =
        static_cast<std::uint64_t>(std::ranges::count(r.task_rows, state, &TaskRow::state));
  }
}

void add_task_metrics(RunRecord& r, double now) {
  std::map<std::string, double> counts;
  for (const char* s :
       {"settled", "refunded", "slashed", "queued", "assigned", "committed", "revealed"}) {
    counts[s] = 0;
  }
  double requested = 0;
  for (const TaskRow& t : r.task_rows) {
    if (t.requested_s > now) break;
    ++requested;
    const double end = t.ended_s < 0 ? kSeconds + 10 : t.ended_s;
    const double progress = (now - t.requested_s) / (end - t.requested_s);
    const char* open = progress < 0.2   ? "queued"
                       : progress < 0.5 ? "assigned"
                       : progress < 0.7 ? "committed"
                                        : "revealed";
    ++counts[progress >= 1 ? t.state : open];
  }
  r.metrics.push_back({now, "tasks.requested", requested});
  for (const auto& [state, n] : counts) r.metrics.push_back({now, "tasks." + state, n});
}

void add_series(RunRecord& r, Draws& draws) {
  Pools pools;
  u128 producer = 0, models = 0, fund = 0, treasury = 0, workers = 0;
  std::size_t next_block = 0, next_task = 0;
  for (double now = 0; now <= kSeconds; now += 10) {
    for (; next_block < r.blocks.size() && r.blocks[next_block].time_s <= now; ++next_block) {
      const BlockRow& b = r.blocks[next_block];
      pools.rewards -= kBlockReward;
      pools.liquid += *parse_decimal(b.reward_producer);
      pools.models_carry += *parse_decimal(b.reward_models);
      pools.fund += *parse_decimal(b.reward_fund);
      pools.treasury += *parse_decimal(b.reward_treasury);
      producer += *parse_decimal(b.reward_producer);
      models += *parse_decimal(b.reward_models);
      fund += *parse_decimal(b.reward_fund);
      treasury += *parse_decimal(b.reward_treasury);
      pools.vesting -= kToken * 15;
      pools.liquid += kToken * 15;
    }
    for (; next_task < r.task_rows.size() && r.task_rows[next_task].requested_s <= now;
         ++next_task) {
      const TaskRow& t = r.task_rows[next_task];
      pools.liquid -= *parse_decimal(t.escrow);
      pools.escrow += *parse_decimal(t.escrow);
    }
    u128 open = 0;
    for (const TaskRow& t : r.task_rows) {
      const bool ended = t.ended_s >= 0 && t.ended_s <= now;
      if (t.requested_s <= now && !ended) open += *parse_decimal(t.escrow);
    }
    workers += pools.escrow - open;
    pools.liquid += pools.escrow - open;
    pools.escrow = open;
    for (const SlashRow& s : r.slashes) {
      if (s.time_s > now - 10 && s.time_s <= now) {
        pools.staked -= *parse_decimal(s.amount);
        pools.burnt += *parse_decimal(s.amount);
      }
    }
    for (const auto& [pool, amount] : pools.list()) {
      r.ledger.push_back({now, next_block, pool, to_decimal(amount)});
    }
    const auto final_height = std::ranges::count_if(
        r.blocks, [now](const BlockRow& b) { return b.finalized && b.finalized_time_s <= now; });
    const auto height = static_cast<double>(next_block);
    const bool cut = now > 400 && now < 520;
    const auto add = [&](const char* name, double value) {
      r.metrics.push_back({now, name, value});
    };
    add("height", height);
    add("finalized_height", static_cast<double>(final_height));
    add("finality.lag_blocks", height - static_cast<double>(final_height));
    add("mempool.transactions", 8 + 30 * draws.next() + (cut ? 40 : 0));
    add("peers.mean", cut ? 3.1 : 6.2 - 0.3 * draws.next());
    add("forks.blocks", std::floor(now / 300));
    add("messages.total", std::floor(now * 172));
    add("supply.error", 0);
    add("slashed.nodes", now >= 1130 ? 2 : now >= 742 ? 1 : 0);
    add("slashed.honest", 0);
    add("harness.queue_depth", 100 + 900 * draws.next());  // not registered, on purpose
    add_task_metrics(r, now);
  }
  u128 total = 0;
  for (const auto& [pool, amount] : pools.list()) {
    r.supply[pool] = to_decimal(amount);
    total += amount;
  }
  r.supply["total"] = to_decimal(total);
  r.rewards = {{"producer", to_decimal(producer)}, {"models", to_decimal(models)},
               {"fund", to_decimal(fund)},         {"treasury", to_decimal(treasury)},
               {"workers", to_decimal(workers)},   {"challengers", "500000000000000000001"}};
}

void add_verdicts(RunRecord& r) {
  r.asserts = {
      {"finality-recovers", "eventually finality.advanced > 0 within 60s after ocean-cut.end", true,
       true, "6 at 530 s"},
      {"tasks-settle", "at_end tasks.settled >= 150", true, true,
       fmt::format("{}", r.tasks["settled"])},
      {"nobody-honest-slashed", "always slashed.honest == 0", true, true, "0 at 181 samples"},
      {"liar-is-caught", "eventually slashed.nodes >= 1 within 120s after lying-worker.begin", true,
       true, "1 at 750 s"}};
  r.invariants = {
      {"supply-conserved", "The pools add up to the genesis supply after every block.", 48'216, 0,
       "", -1},
      {"one-finality", "No two honest nodes hold different final blocks at one height.", 31'004, 0,
       "", -1},
      {"escrow-ends", "Every escrow is released or refunded exactly once.", 9'120, 0, "", -1},
      {"task-ends", "Every task ends by its deadline and grace.", 9'120, 0, "", -1},
      {"no-honest-slash", "Evidence against a node that kept the rules does not exist.", 48'216, 0,
       "", -1}};
}

}  // namespace

RunRecord synthetic_run() {
  RunRecord r;
  Draws draws;
  r.scenario_name = "A cut ocean and a lying worker";
  r.scenario_about =
      "Twenty-eight nodes in four regions answer prompts for half an hour, while the "
      "ocean cable breaks for two minutes and one worker sells a cheaper model's words.";
  r.scenario_path = "scenarios/library/attacks/cut-ocean.yaml";
  r.scenario_hash = hash_of("scenario");
  r.command = "orrery run scenarios/library/attacks/cut-ocean.yaml --seed 42";
  r.commit = "0123abcd (synthetic record of a test)";
  r.machine = "none: this record is a test fixture";
  r.compiler = "g++ 12.2";
  r.version = "0.1.0";
  r.seed = 42;
  r.digest = digest_of("run");
  r.virtual_seconds = kSeconds;
  r.wall_seconds = 3.874;
  r.events = 2'481'903;
  r.run_dir = "out/cut-ocean-42";
  r.token_symbol = "AIGEN";
  add_nodes(r, draws);
  add_faults(r);
  add_blocks(r, draws);
  for (NodeRow& node : r.nodes) {
    node.height = r.height;
    node.finalized_height = r.finalized_height;
  }
  add_tasks(r, draws);
  add_series(r, draws);
  add_verdicts(r);
  return r;
}

void enlarge(RunRecord& r) {
  const std::size_t nodes = r.nodes.size(), tasks = r.task_rows.size(), metrics = r.metrics.size();
  for (std::uint32_t i = 0; r.nodes.size() < 3000; ++i) {
    NodeRow node = r.nodes[i % nodes];
    node.name += fmt::format("-{}", i);
    node.peers = {i % 3000, (i * 7 + 3) % 3000, (i * 31 + 11) % 3000};
    node.slashed = false;
    node.behaviour = "honest";
    r.nodes.push_back(node);
  }
  for (std::size_t i = 0; r.task_rows.size() < 20'000; ++i) {
    r.task_rows.push_back(r.task_rows[i % tasks]);
    r.task_rows.back().prompt = std::string(3000, 'p');
  }
  for (std::size_t i = 0; i < metrics; ++i) {
    for (int k = 1; k < 100; ++k) {
      MetricRow row = r.metrics[i];
      row.time_s += 0.1 * k;
      r.metrics.push_back(row);
    }
  }
  std::ranges::stable_sort(r.metrics, {}, &MetricRow::time_s);
}

}  // namespace orrery::report
