#include "protocol/ledger/accounts.h"
#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"
#include "tests/unit/harness/testnet/rpc/service_world.h"

namespace orrery::testnet {
namespace {

using Node = nlohmann::json;

chain::KeyPair key_of(const ServiceWorld& w, std::uint32_t node) {
  return run::account_key(w.world->scenario(), w.world->scenario().nodes[node].name);
}
chain::Address address_of(const ServiceWorld& w, std::uint32_t node) {
  return chain::address_of(key_of(w, node).public_key());
}

// A transfer of node 9's account, signed.
chain::Transaction transfer(ServiceWorld& w, chain::Amount amount) {
  const Node account = w.result("getAccount", {address_of(w, 9).hex()});
  chain::Transaction tx{.chain_id = account["chain_id"],
                        .sender = address_of(w, 9),
                        .nonce = account["nonce"],
                        .fee = *parse_decimal(account["base_fee"].get<std::string>()),
                        .valid_until = account["height"].get<std::uint64_t>() + 20,
                        .tag = chain::kTransferTag,
                        .payload = encode(chain::TransferPayload{address_of(w, 1), amount})};
  sign(tx, key_of(w, 9));
  return tx;
}

TEST(RpcMethods, TellWhatTheNodeHasUnderEveryName) {
  ServiceWorld w;
  w.run(Duration::minutes(4));
  const Node info = w.result("getChainInfo");
  EXPECT_EQ(info["height"], w.chain().head().height());
  EXPECT_GT(info["height"], 5);
  EXPECT_EQ(info["latest_block_hash"], to_hex(w.chain().head().hash()));
  EXPECT_GT(info["finalized_height"], 0);
  EXPECT_EQ(w.result("health")["status"], "ok");
  const Node latest = w.result("getBlock");
  EXPECT_EQ(latest["hash"], info["latest_block_hash"]);
  const std::uint64_t final = info["finalized_height"];
  const Node by_name = w.result("getBlock", {"finalized"});
  EXPECT_EQ(by_name, w.result("getBlock", {final}));
  EXPECT_EQ(by_name, w.result("getBlock", {{"hash", by_name["hash"]}}));
  EXPECT_EQ(by_name["final"], true);
  EXPECT_EQ(by_name["canonical"], true);
  EXPECT_EQ(latest["canonical"], true);
  // Below the tree blocks come from disk.
  for (std::uint64_t h = 1; h <= final; ++h) {
    const Node block = w.result("getBlock", {h});
    EXPECT_EQ(block["height"], h);
    EXPECT_EQ(block, w.result("getBlock", {block["hash"]}));
    EXPECT_EQ(block["parent_hash"], w.result("getBlock", {h - 1})["hash"]);
  }
  EXPECT_EQ(w.error("getBlock", {1'000'000}), kBlockNotFound);
  EXPECT_EQ(w.error("getBlock", {std::string(64, 'a')}), kBlockNotFound);
  EXPECT_EQ(w.error("getBlock", {"nonsense"}), kBlockNotFound);
  EXPECT_EQ(w.error("getBlock", Node::array({Node::array()})), kInvalidParams);
  const Node models = w.result("listModels")["models"];
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(w.result("getModelInfo", {{"model_id", "small"}}), models[0]);
  EXPECT_EQ(w.result("getModelInfo", {models[0]["digest"]}), models[0]);
  EXPECT_EQ(w.error("getModelInfo", {"none"}), kModelNotFound);
  EXPECT_EQ(w.error("none"), kMethodNotFound);
  EXPECT_EQ(w.result("getNetwork")["peers"].size(), w.world->simulator().peers(8).size());
}

TEST(RpcMethods, FollowATransactionFromThePoolIntoAFinalBlock) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  const auto receiver = address_of(w, 1).hex();
  const chain::Transaction tx = transfer(w, 7 * chain::kToken);
  const auto before = w.chain().state();
  const Node sent = w.result("submitTransaction", {{"encoded", to_hex(encode(tx))}});
  const std::string hash = sent["tx_hash"];
  EXPECT_EQ(hash, to_hex(transaction_id(tx)));
  EXPECT_EQ(w.result("getTransaction", {hash}), Node());
  // Once more is no harm.
  EXPECT_EQ(w.result("submitTransaction", {{"encoded", to_hex(encode(tx))}})["tx_hash"], hash);
  const Node pending = w.result("getPendingTransactions")["transactions"];
  EXPECT_TRUE(std::any_of(pending.begin(), pending.end(),
                          [&](const Node& waiting) { return waiting["hash"] == hash; }));
  ASSERT_TRUE(w.run_until([&] { return !w.result("getTransaction", {hash}).is_null(); }));
  const Node found = w.result("getTransaction", {hash});
  EXPECT_EQ(found["ok"], true);
  EXPECT_EQ(found["detail"]["amount"], to_decimal(7 * chain::kToken));
  const Node block = w.result("getBlock", {found["height"]});
  EXPECT_EQ(block["hash"], found["block"]);
  EXPECT_EQ(block["transactions"][found["index"].get<std::size_t>()]["hash"], hash);
  ASSERT_TRUE(w.run_until([&] { return w.result("getTransaction", {hash})["final"] == true; }));
  EXPECT_GE(*parse_decimal(w.result("getBalance", {receiver})["balance"].get<std::string>()),
            chain::amount_at(before, chain::balance_path(address_of(w, 1))) + 7 * chain::kToken);
  // A new server over the same node finds it, too.
  RpcService again(w.view, "");
  std::string answer;
  again.call(0, ServiceWorld::request("getTransaction", {hash}),
             [&](std::optional<std::string> text) { answer = *text; });
  EXPECT_EQ(Node::parse(answer)["result"]["height"], found["height"]);
}

TEST(RpcMethods, TakeATransactionAsFields) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  const chain::Transaction tx = transfer(w, 5);
  const Node fields = {{"chain_id", tx.chain_id},
                       {"sender", tx.sender.hex()},
                       {"nonce", tx.nonce},
                       {"fee", to_decimal(tx.fee)},
                       {"valid_until", tx.valid_until},
                       {"type", "transfer"},
                       {"to", address_of(w, 1).hex()},
                       {"amount", "5"},
                       {"public_key", tx.authorization.policy.keys[0].hex()},
                       {"signature", tx.authorization.signatures[0].signature.hex()}};
  EXPECT_EQ(w.result("submitTransaction", fields)["tx_hash"], to_hex(transaction_id(tx)));
  for (const auto& [name, value] : fields.items()) {
    Node lacking = fields;
    lacking.erase(name);
    EXPECT_EQ(w.error("submitTransaction", lacking), kInvalidParams) << name;
  }
  Node forged = fields;
  forged["amount"] = "6";
  EXPECT_EQ(w.error("submitTransaction", forged), kInvalidSignature);
  Node of_another = fields;
  of_another["sender"] = address_of(w, 1).hex();
  EXPECT_EQ(w.error("submitTransaction", of_another), kInvalidSignature);
  EXPECT_EQ(w.error("submitTransaction", {{"encoded", "00"}}), kInvalidParams);
  EXPECT_EQ(w.error("submitTransaction", {{"encoded", "xyz"}}), kInvalidParams);
  EXPECT_EQ(w.error("submitTransaction", Node::array()), kInvalidParams);
}

TEST(RpcMethods, PassOnTheReasonOfThePool) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  chain::Transaction tx = transfer(w, 5);
  tx.nonce = 900;
  sign(tx, key_of(w, 9));
  const Node answer = w.call("submitTransaction", {{"encoded", to_hex(encode(tx))}});
  EXPECT_EQ(answer["error"]["code"], kServerError);
  EXPECT_EQ(answer["error"]["message"], "the nonce is used or too far ahead");
}

TEST(RpcMethods, ProveStateThatAClientCanCheck) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  for (const std::string& path :
       {chain::balance_path(address_of(w, 9)), std::string("/nothing/here")}) {
    const Node answer = w.result("getStateProof", {{"path", path}});
    Hash256 root;
    const Bytes root_bytes = *from_hex(answer["state_root"].get<std::string>());
    std::copy(root_bytes.begin(), root_bytes.end(), root.bytes.begin());
    EXPECT_EQ(w.result("getBlock", {answer["block"]})["state_root"], answer["state_root"]);
    const auto proof = chain::StateProof::decode(*from_hex(answer["proof"].get<std::string>()));
    ASSERT_TRUE(proof.has_value());
    const auto value = chain::verify_state(root, path, *proof);
    ASSERT_TRUE(value.has_value()) << value.error().message;
    EXPECT_EQ(value->has_value(), !answer["value"].is_null());
    if (*value) {
      EXPECT_EQ(to_hex(**value), answer["value"]);
    }
    root.bytes[0] ^= 1;
    EXPECT_FALSE(chain::verify_state(root, path, *proof).has_value());
  }
  EXPECT_EQ(w.error("getStateProof", {""}), kInvalidParams);
}

TEST(RpcMethods, CountMoneyAndTasksAsTheChainDoes) {
  ServiceWorld w;
  w.run(Duration::minutes(5));
  const Node economy = w.result("getEconomy", {{"limit", 5}});
  ASSERT_EQ(economy["accounts"].size(), 5u);
  EXPECT_EQ(economy["pools"]["rewards"],
            to_decimal(chain::amount_at(w.chain().state(), chain::pool_path("rewards"))));
  chain::Amount last = kMaxU128;
  for (const Node& account : economy["accounts"]) {
    const chain::Amount total = *parse_decimal(account["balance"].get<std::string>()) +
                                *parse_decimal(account["stake"].get<std::string>());
    EXPECT_LE(total, last);
    last = total;
  }
  const Node tasks = w.result("getTasks");
  EXPECT_GT(tasks["counts"]["settled"].get<int>(), 0);
  const Node one = w.result("getTask", {tasks["tasks"][0]["task"]});
  EXPECT_EQ(one, tasks["tasks"][0]);
}

TEST(RpcRest, ShowsTheSameThingsAndSaysWhatIsNotThere) {
  ServiceWorld w;
  w.run(Duration::minutes(2));
  const auto get = [&](const char* target) { return w.service.get(target, 1); };
  EXPECT_EQ(Node::parse(get("/chain").body), w.result("getChainInfo"));
  EXPECT_EQ(Node::parse(get("/blocks/latest").body), w.result("getBlock"));
  EXPECT_EQ(Node::parse(get("/blocks/1").body), w.result("getBlock", {1}));
  EXPECT_EQ(Node::parse(get("/models").body), w.result("listModels"));
  EXPECT_EQ(Node::parse(get("/health").body)["status"], "ok");
  EXPECT_EQ(Node::parse(get("/state?x=1&path=%2Fpools%2Frewards").body),
            w.result("getStateProof", {"/pools/rewards"}));
  EXPECT_EQ(get("/").body, "<p>page</p>");
  for (const char* target : {"/none", "/blocks/99999", "/blocks/", "", "/state2", "//"}) {
    EXPECT_EQ(get(target).status, 404u) << target;
    EXPECT_TRUE(Node::parse(get(target).body).contains("error")) << target;
  }
  EXPECT_EQ(get("/state").status, 400u);
}

}  // namespace
}  // namespace orrery::testnet
