// Peers that mean harm (G-7): a node that hears them stays up, works on, and holds a bounded amount
// for them, whatever they send.
#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "protocol/node/node.h"
#include "protocol/types/trace_kinds.h"
#include "tests/unit/engine/sim/script_node.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::digest;
using test::key;

constexpr std::uint32_t kVictim = 0;  // bootstrap and validator
constexpr std::uint32_t kFriend = 1;  // validator; node 2 is the miner, enemies come after

class CountBans : public env::TraceSink {
 public:
  void on_trace(Time, std::uint32_t node, const env::TraceEvent& event) override {
    if (node == kVictim && event.kind == kTracePeerBanned) ++bans;
  }
  std::size_t bans = 0;
};

class HostilePeers : public ::testing::Test {
 protected:
  HostilePeers()
      : model_(gpu::make_seeded_model(
            {.dim = 32, .hidden = 64, .layers = 1, .heads = 2, .context = 128}, 1)) {
    params_ = test::small_params();
    params_.work.block_work = 100'000;
    Genesis genesis{.time_ns = sim::kWallOrigin};
    for (int i : {1, 2}) {
      genesis.accounts.push_back({.key = key(i).public_key(),
                                  .balance = 100 * kToken,
                                  .stake = 2'000 * kToken,
                                  .validator = true});
    }
    genesis.accounts.push_back({.key = key(21).public_key(),
                                .balance = 100 * kToken,
                                .stake = 5'000 * kToken,
                                .worker = true});
    genesis.models.push_back(
        {.digest = model_.digest(), .name = "m", .owner = addr(key(30))});
    network_ = *make_network(params_, genesis);
    world_.simulator->add_trace_sink(bans_);
    world_.simulator->set_compute([this](const env::JobSpec& spec) { return compute(spec); });
    add_node(key(1), {.bootstrap = true, .validator = true});
    add_node(key(2), {.validator = true});
    add_node(key(21), {.miner = true});
  }

  env::JobResult compute(const env::JobSpec& spec) const {
    const auto sampling = gpu::SamplingParams::decode(spec.parameters.view());
    if (spec.model != model_.digest() || !sampling) return {.status = env::JobStatus::kRefused};
    const auto result =
        gpu::CpuBackend().generate(model_, spec.input.view(), *sampling, spec.sampling_seed);
    if (!result) return {.status = env::JobStatus::kRefused};
    return {.status = env::JobStatus::kDone,
            .output = Buffer(result->encode()),
            .work_units = result->work_units};
  }
  void add_node(const KeyPair& key, Roles roles) {
    const NodeConfig config{.network = network_,
                            .name = "node",
                            .key = key,
                            .roles = roles,
                            .bootstrap = {{"sim/0"}}};
    world_.simulator->add_node({.name = "node"},
                               [config] { return std::make_unique<ChainNode>(config); });
    // The test world numbers script nodes as the simulator does.
    world_.scripts.push_back(nullptr);
    world_.heard.push_back(std::make_unique<std::vector<sim::Heard>>());
  }
  // A node that greets the victim properly and does nothing else by itself.
  std::uint32_t add_enemy() {
    return world_.add({.boot = [](env::Env& env, const env::BootInfo&) {
                         env.transport.dial({"sim/0"});
                       },
                       .on = [this](env::Env& env, const env::Event& event) {
                         const auto* up = std::get_if<env::PeerUp>(&event);
                         if (!up || up->peer.value != kVictim) return;
                         env.transport.send({kVictim}, env::Channel::kReliable,
                                            encode_message(hello()));
                       }});
  }
  Hello hello() const {
    return {params_.id, network_->genesis_block->hash, {0, network_->genesis_block->hash, {}, {}}};
  }
  void send(std::uint32_t enemy, const Buffer& payload) {
    world_.env(enemy).transport.send({kVictim}, env::Channel::kReliable, payload);
  }
  void send(std::uint32_t enemy, const Message& message) { send(enemy, encode_message(message)); }
  void run(Duration more) { world_.run(Duration{world_.simulator->now().ns} + more); }
  const ChainNode& node(std::uint32_t i) const {
    return dynamic_cast<const ChainNode&>(*world_.simulator->node(i));
  }
  std::uint64_t height() const { return node(kVictim).chain().head().height(); }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  Hash256 random_hash() {
    Writer out;
    out.u64(random_.next());
    return sha256(out.view());
  }
  std::vector<Hash256> random_hashes(std::uint64_t most) {
    std::vector<Hash256> hashes(below(most) + 1);
    for (Hash256& h : hashes) h = random_hash();
    return hashes;
  }
  BlockPtr orphan(std::uint64_t height, bool signed_by_somebody = true) {
    Block block;
    block.header.parent = random_hash();
    block.header.height = height;
    block.header.proposer = key(66).public_key();
    block.header.transactions_root = transactions_root({});
    block.header.inference_hash = inference_hash({});
    block.header.evidence_root = evidence_root({});
    if (signed_by_somebody) sign(params_.id, block.header, key(66));
    return share_block(std::move(block), params_.id);
  }
  // Well-formed and worthless.
  Message nonsense() {
    switch (below(9)) {
      case 0: return StatusUpdate{{random_.next(), random_hash(), {random_.next(), {}}, {}}};
      case 1: return GetPeers{};
      case 2: return Peers{{{"sim/" + std::to_string(random_.next())}, {"nowhere"}}};
      case 3: return Inventory{static_cast<InventoryKind>(below(2)), random_hashes(50)};
      case 4: return Want{static_cast<InventoryKind>(below(2)), random_hashes(50)};
      case 5: return GetBlocks{random_hashes(60)};
      case 6: return GetVotes{random_.next() >> below(64)};
      case 7: return Blocks{{orphan(below(1'000))}};
      default: {
        Vote vote{.source = {below(20), random_hash()},
                  .target = {below(20), random_hash()},
                  .validator = {}};
        sign(params_.id, vote, key(static_cast<int>(60 + below(100))));
        return Votes{{vote}};
      }
    }
  }

  gpu::ModelArtefact model_;
  ChainParams params_;
  std::shared_ptr<const Network> network_;
  CountBans bans_;
  sim::TestWorld world_;
  RandomStream random_{7, 0, stream_id("hostile")};
};

// Everything a node may remember for its peers, with room for honest ones.
constexpr std::size_t kMostHeld = 10'000;

TEST_F(HostilePeers, TenThousandWellFormedButWorthlessMessagesChangeNothing) {
  std::vector<std::uint32_t> enemies;
  for (int i = 0; i < 20; ++i) enemies.push_back(add_enemy());
  run(Duration::seconds(30));
  const std::uint64_t before = world_.simulator->counters(kVictim).messages_received;
  const std::uint64_t start = height();
  std::size_t most = 0;
  for (int round = 0; round < 500; ++round) {
    for (const std::uint32_t enemy : enemies) send(enemy, nonsense());
    run(Duration::millis(200));
    most = std::max(most, node(kVictim).gossip().held());
  }
  EXPECT_GE(world_.simulator->counters(kVictim).messages_received - before, 10'000u);
  EXPECT_LT(most, kMostHeld);
  EXPECT_GT(height(), start + 3);  // blocks come on
  EXPECT_GT(node(kVictim).chain().finality().finalized().epoch, 0u);
  EXPECT_EQ(node(kVictim).chain().head().hash(), node(kFriend).chain().head().hash());
}

TEST_F(HostilePeers, MutatedHonestTrafficEndsInBansAndInNothingElse) {
  std::vector<std::uint32_t> enemies;
  for (int i = 0; i < 50; ++i) enemies.push_back(add_enemy());
  const std::uint32_t spy = enemies[0];
  for (int i = 0; i < 6; ++i) {
    run(Duration::seconds(10));
    send(spy, GetBlocks{{}});
    send(spy, GetVotes{0});
    send(spy, GetPeers{});
  }
  run(Duration::seconds(5));
  std::vector<Buffer> corpus;
  std::set<std::uint8_t> kinds;
  for (const auto& [time, message] : world_.all<env::MessageIn>(spy)) {
    corpus.push_back(message.payload);
    kinds.insert(message.payload.view()[0]);
  }
  EXPECT_GE(kinds.size(), 5u);
  const std::uint64_t start = height();
  std::uint64_t sent = 0;
  while (sent < 10'000) {
    for (const std::uint32_t enemy : enemies) {
      const ByteView honest = corpus[below(corpus.size())].view();
      Bytes bytes(honest.begin(), honest.end());
      for (std::uint64_t n = below(4) + 1; n > 0; --n) {
        bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(below(255) + 1);
      }
      if (below(8) == 0) bytes.resize(below(bytes.size()) + 1);
      send(enemy, Buffer(bytes));
      ++sent;
      if (below(10) == 0) world_.env(enemy).transport.dial({"sim/0"});
    }
    run(Duration::millis(200));
  }
  run(Duration::seconds(30));
  EXPECT_GE(bans_.bans, 40u);
  EXPECT_LT(node(kVictim).gossip().held(), kMostHeld);
  EXPECT_GT(height(), start + 3);
  EXPECT_EQ(node(kVictim).chain().head().hash(), node(kFriend).chain().head().hash());
}

TEST_F(HostilePeers, ABannedAddressStaysOut) {
  const std::uint32_t enemy = add_enemy();
  run(Duration::seconds(2));
  send(enemy, sim::buffer("\xff"));
  send(enemy, sim::buffer("\xff"));
  run(Duration::seconds(2));
  EXPECT_EQ(bans_.bans, 1u);
  world_.heard[enemy]->clear();
  world_.env(enemy).transport.dial({"sim/0"});
  run(Duration::seconds(2));
  EXPECT_FALSE(world_.all<env::PeerDown>(enemy).empty());
  EXPECT_TRUE(world_.all<env::MessageIn>(enemy).empty());  // not even a greeting
}

TEST_F(HostilePeers, SpeakingBeforeTheGreetingOrForAnotherChainIsPunished) {
  const std::uint32_t enemy = world_.add(sim::dials("sim/0"));
  run(Duration::seconds(2));
  send(enemy, GetPeers{});
  send(enemy, GetPeers{});
  run(Duration::seconds(1));
  EXPECT_EQ(bans_.bans, 1u);
  const std::uint32_t other = world_.add(sim::dials("sim/0"));
  run(Duration::seconds(2));
  Hello foreign = hello();
  foreign.chain_id = "another";
  send(other, foreign);
  run(Duration::seconds(1));
  EXPECT_EQ(bans_.bans, 2u);
}

TEST_F(HostilePeers, AWishThatRepeatsABlockIsServedOnceAndFloodsStayWithinTheAllowance) {
  const std::uint32_t enemy = add_enemy();
  run(Duration::seconds(60));
  ASSERT_GT(height(), 0u);
  const BlockPtr block = node(kVictim).chain().head().block;
  std::uint64_t sent = world_.simulator->counters(kVictim).bytes_sent;
  send(enemy, Want{InventoryKind::kBlock, std::vector<Hash256>(kMaxInventory, block->hash)});
  run(Duration::millis(500));
  EXPECT_LT(world_.simulator->counters(kVictim).bytes_sent - sent,
            3 * block->encoded.size() + 20'000);
}

TEST_F(HostilePeers, AFloodIsCutOffByTheRateLimit) {
  const std::uint32_t enemy = add_enemy();
  run(Duration::seconds(2));
  for (int i = 0; i < 600; ++i) send(enemy, GetPeers{});
  run(Duration::seconds(1));
  EXPECT_EQ(bans_.bans, 1u);
}

TEST_F(HostilePeers, MadeUpAnnouncementsDoNotKeepOthersItemsAway) {
  std::vector<std::uint32_t> enemies;
  for (int i = 0; i < 6; ++i) enemies.push_back(add_enemy());
  run(Duration::seconds(15));
  for (const std::uint32_t enemy : enemies) {
    for (int i = 0; i < 4; ++i) {
      std::vector<Hash256> ids(kMaxInventory);
      for (Hash256& id : ids) id = random_hash();
      send(enemy, Inventory{InventoryKind::kTransaction, ids});
    }
  }
  run(Duration::millis(500));
  Transaction tx{.chain_id = params_.id,
                 .sender = addr(key(21)),
                 .fee = kToken,
                 .valid_until = 1'000,
                 .tag = kTransferTag,
                 .payload = encode(TransferPayload{addr(key(50)), 1})};
  sign(tx, key(21));
  // An honest peer announces a transaction and gives it when asked.
  const std::uint32_t honest = add_enemy();
  run(Duration::seconds(1));
  send(honest, Inventory{InventoryKind::kTransaction, {test::share(tx)->id}});
  run(Duration::millis(200));
  bool asked = false;
  env::Memo memo(false);
  for (const auto& [time, message] : world_.all<env::MessageIn>(honest)) {
    const auto decoded = decode_message(message.payload.view(), params_.id, memo);
    const auto* want = decoded ? std::get_if<Want>(&*decoded) : nullptr;
    asked = asked || (want && want->ids == std::vector<Hash256>{test::share(tx)->id});
  }
  EXPECT_TRUE(asked);
}

TEST_F(HostilePeers, OrphansAreFewAndUnsignedOnesEndInABan) {
  const std::uint32_t enemy = add_enemy();
  const std::uint32_t forger = add_enemy();
  run(Duration::seconds(2));
  const std::size_t before = node(kVictim).gossip().held();
  for (std::uint64_t i = 0; i < 300; ++i) send(enemy, Blocks{{orphan(1'000 + i)}});
  send(forger, Blocks{{orphan(5, false)}});
  run(Duration::seconds(1));
  EXPECT_EQ(bans_.bans, 1u);
  EXPECT_LE(node(kVictim).gossip().held(), before + Gossip::kMaxOrphans + 5);
}

TEST_F(HostilePeers, AddressesThatNobodyAskedForAreNotLearnt) {
  const std::uint32_t enemy = add_enemy();
  run(Duration::seconds(15));
  const std::size_t before = node(kVictim).gossip().held();
  for (int i = 0; i < 100; ++i) {
    Peers peers;
    for (int n = 0; n < 32; ++n) peers.addresses.push_back({"x" + std::to_string(i * 32 + n)});
    send(enemy, peers);
  }
  run(Duration::seconds(2));
  EXPECT_LE(node(kVictim).gossip().held(), before + kMaxPeersInMessage + 8);
}

TEST_F(HostilePeers, AVoteOfAValidatorWithAFalseSignatureEndsInABanAndIsNotCounted) {
  const std::uint32_t enemy = add_enemy();
  run(Duration::seconds(2));
  for (std::uint64_t i = 0; i < 2; ++i) {
    Vote vote{.source = {0, network_->genesis_block->hash},
              .target = {1, digest(std::to_string(i))},
              .validator = {}};
    sign(params_.id, vote, key(66));
    vote.validator = key(2).public_key();
    send(enemy, Votes{{vote}});
  }
  run(Duration::seconds(1));
  EXPECT_EQ(bans_.bans, 1u);
}

}  // namespace
}  // namespace orrery::chain
