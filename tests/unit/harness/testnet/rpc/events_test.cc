#include "protocol/ledger/accounts.h"
#include "tests/unit/harness/testnet/rpc/service_world.h"

namespace orrery::testnet {
namespace {

using Node = nlohmann::json;

// A reader that keeps what it hears.
struct Listener {
  explicit Listener(ServiceWorld& w) : world(w) {
    reader =
        w.service.add_reader([this](std::string frame) { heard.push_back(Node::parse(frame)); });
  }
  std::string subscribe(const std::string& event, const Node& filter = nullptr) {
    return world.result("subscribe", Node::array({event, filter}), reader);
  }
  std::vector<Node> results(const std::string& method) const {
    std::vector<Node> found;
    for (const Node& frame : heard) {
      if (frame["method"] == method) found.push_back(frame["params"]["result"]);
    }
    return found;
  }
  ServiceWorld& world;
  Subscriptions::Reader reader = 0;
  std::vector<Node> heard;
};

TEST(RpcEvents, BlocksComeInOrderWithLinkedParents) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  Listener listener(w);
  const std::string id = listener.subscribe("newBlock");
  const std::uint64_t start = w.chain().head().height();
  Hash256 last = w.chain().head().hash();
  w.run(Duration::minutes(5));
  std::uint64_t expected = start;
  std::string parent = to_hex(last);
  for (const Node& frame : listener.heard) {
    EXPECT_EQ(frame["params"]["subscription"], id);
    const Node& result = frame["params"]["result"];
    if (frame["method"] == "reorg") {
      expected = result["to"]["height"];
      parent = result["to"]["hash"];
      continue;
    }
    EXPECT_EQ(result["height"], ++expected);
    EXPECT_EQ(result["parent_hash"], parent);
    parent = result["hash"];
  }
  EXPECT_EQ(expected, w.chain().head().height());
  EXPECT_GT(expected, start + 5);
  EXPECT_EQ(w.result("unsubscribe", id, listener.reader), true);
  const std::size_t before = listener.heard.size();
  w.run(Duration::minutes(2));
  EXPECT_EQ(listener.heard.size(), before);
}

TEST(RpcEvents, AReorganisationIsToldBeforeTheBlocksOfTheOtherBranch) {
  // Node 8 alone with one worker, the stake with the others: its branch must lose.
  ServiceWorld w(R"yaml(timeline:
  - name: split
    at: t+1m
    do: partition
    for: 2m
    sides:
      - users-0 | workers-0
      - boot-0 | group(validators) | group(workers)[1..2] | users-1
)yaml");
  Listener listener(w);
  Listener payments(w);
  listener.subscribe("newBlock");
  payments.subscribe("transaction");
  w.run(Duration::minutes(6));
  const std::vector<Node> reorgs = listener.results("reorg");
  ASSERT_FALSE(reorgs.empty());
  std::map<std::uint64_t, std::string> canonical;
  canonical[0] = to_hex(w.chain().network().genesis_block->hash);
  for (const Node& frame : listener.heard) {
    const Node& result = frame["params"]["result"];
    if (frame["method"] == "reorg") {
      EXPECT_EQ(canonical.rbegin()->first, result["from"]["height"]);
      EXPECT_EQ(canonical.rbegin()->second, result["from"]["hash"]);
      canonical.erase(canonical.upper_bound(result["to"]["height"]), canonical.end());
      EXPECT_EQ(canonical.rbegin()->second, result["to"]["hash"]);
    } else {
      EXPECT_EQ(canonical.rbegin()->second, result["parent_hash"]);
      canonical[result["height"]] = result["hash"];
    }
  }
  EXPECT_EQ(canonical.rbegin()->second, to_hex(w.chain().head().hash()));
  for (const Node& reorg : reorgs) {
    const Node block = w.call("getBlock", reorg["from"]["hash"]);
    if (block.contains("error")) continue;  // below the last final block branches are forgotten
    EXPECT_EQ(block["result"]["canonical"], false);
  }
  // What stood on the lost branch is found where it stands now, or nowhere.
  std::size_t lost = 0;
  for (const Node& tx : payments.results("transaction")) {
    const Node found = w.result("getTransaction", tx["hash"]);
    if (found.is_null() || found["block"] != tx["block"]) ++lost;
    if (found.is_null()) continue;
    EXPECT_EQ(found["hash"], tx["hash"]);
    EXPECT_EQ(found["block"], canonical[found["height"]]);
  }
  EXPECT_GT(lost, 0u);
}

TEST(RpcEvents, ValuesUnderAPathChangeAsTheStateDoes) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  Listener listener(w);
  listener.subscribe("valueChanged", {{"path", "/pools/rewards"}});
  const auto value = [&] {
    return to_hex(*w.chain().state().get(chain::pool_path(chain::kRewardsPool)));
  };
  std::string last = value();
  for (int i = 0; i < 5; ++i) {  // several blocks at a time, as after a stall
    ASSERT_TRUE(w.world->run_until(w.world->simulator().now() + Duration::seconds(40)));
    w.service.advance();
  }
  ASSERT_GT(listener.heard.size(), 5u);
  for (const Node& change : listener.results("valueChanged")) {
    EXPECT_EQ(change["path"], "/pools/rewards");
    EXPECT_EQ(change["before"], last);
    EXPECT_NE(change["after"], last);
    last = change["after"];
  }
  EXPECT_EQ(last, value());
}

TEST(RpcEvents, TransactionsComeByAddressAndType) {
  ServiceWorld w;
  Listener listener(w);
  Listener own(w);
  const std::string me = chain::address_of(w.view.node().config().key.public_key()).hex();
  listener.subscribe("transaction", {{"type", "reveal"}});
  own.subscribe("transaction", {{"address", me}});
  w.run(Duration::minutes(4));
  ASSERT_FALSE(own.heard.empty());
  for (const Node& tx : own.results("transaction")) EXPECT_EQ(tx["sender"], me);
  ASSERT_FALSE(listener.heard.empty());
  for (const Node& tx : listener.results("transaction")) {
    EXPECT_EQ(tx["type"], "reveal");
    EXPECT_EQ(w.result("getTransaction", tx["hash"])["height"], tx["height"]);
  }
}

TEST(RpcEvents, AStatusComesWithEachBlock) {
  ServiceWorld w;
  Listener listener(w);
  listener.subscribe("networkStatus");
  w.run(Duration::minutes(2));
  ASSERT_FALSE(listener.heard.empty());
  EXPECT_EQ(listener.heard.back()["params"]["result"]["height"], w.chain().head().height());
}

TEST(RpcEvents, SubscriptionsAreBoundedAndTheReadersOwn) {
  ServiceWorld w;
  Listener listener(w);
  Listener other(w);
  EXPECT_EQ(w.error("subscribe", {"newBlock"}), kServerError);  // without a connection to push to
  const auto code = [&](const Node& params, Subscriptions::Reader reader,
                        const char* method = "subscribe") {
    return w.call(method, params, reader)["error"]["code"].get<int>();
  };
  EXPECT_EQ(code("none", listener.reader), kInvalidParams);
  EXPECT_EQ(code(Node::array({"newBlock", 7}), listener.reader), kInvalidParams);
  const std::string mine = listener.subscribe("newBlock");
  EXPECT_EQ(code(mine, other.reader, "unsubscribe"), kInvalidParams);
  for (std::size_t i = 1; i < Subscriptions::kMaxPerReader; ++i) listener.subscribe("newBlock");
  EXPECT_EQ(code("newBlock", listener.reader), kServerError);
  w.service.remove_reader(listener.reader);
  w.run(Duration::minutes(1));
  EXPECT_TRUE(listener.heard.empty());
}

Node ask(const Node& more = Node::object()) {
  Node params = {{"model_id", "small"},
                 {"messages", {{{"role", "user"}, {"content", "how many gears turn"}}}},
                 {"max_tokens", 12}};
  params.update(more);
  return params;
}

TEST(RpcChat, AnswersWithWhatAWorkerRevealedAndItsProof) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  Listener listener(w);
  listener.subscribe("inferenceProgress", {{"request_id", "mine"}});
  const Node answer = w.result("chatCompletion", ask({{"request_id", "mine"}}));
  EXPECT_EQ(answer["id"], "mine");
  const Bytes output = *from_hex(answer["choices"][0]["message"]["content_hex"].get<std::string>());
  EXPECT_FALSE(output.empty());
  EXPECT_EQ(answer["usage"]["completion_tokens"].get<int>(), 12);
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  const Node& proof = answer["proof"];
  EXPECT_EQ(proof["input_hash"], to_hex(sha256(as_bytes("how many gears turn"))));
  EXPECT_EQ(proof["state"], "revealed");
  // The proof leads to the block, the transaction and the bytes.
  const Node tx = w.result("getTransaction", proof["transaction"]);
  EXPECT_EQ(tx["block"], proof["block"]);
  EXPECT_EQ(tx["height"], proof["height"]);
  EXPECT_EQ(tx["sender"], proof["worker"]);
  const auto reveal = chain::decode_reveal(*from_hex(tx["payload"].get<std::string>()));
  const auto result = gpu::InferenceResult::decode(reveal->result);
  EXPECT_EQ(to_hex(reveal->task), proof["task"]);
  EXPECT_EQ(result->output, output);
  EXPECT_EQ(to_hex(result->digest()), proof["output_hash"]);
  EXPECT_EQ(to_hex(result->transcript_root), proof["transcript_root"]);
  std::vector<std::string> statuses;
  for (const Node& p : listener.results("inferenceProgress")) statuses.push_back(p["status"]);
  EXPECT_EQ(statuses,
            (std::vector<std::string>{"queued", "assigned", "committed", "revealed", "completed"}));
}

TEST(RpcChat, CanWaitUntilNobodyMayObjectAnyMore) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  const Node answer = w.result("chatCompletion", ask({{"wait", "settled"}}));
  EXPECT_EQ(answer["proof"]["state"], "settled");
  EXPECT_EQ(w.result("getTask", answer["proof"]["task"])["state"], "settled");
  EXPECT_EQ(answer["id"], answer["proof"]["task"]);
}

TEST(RpcChat, SameTextAtTemperatureZeroWhateverTheSeed) {
  ServiceWorld w;
  w.run(Duration::minutes(1));
  const auto text = [&](int seed) {
    const Node answer = w.result("chatCompletion", ask({{"temperature", 0}, {"seed", seed}}));
    return answer["choices"][0]["message"]["content_hex"];
  };
  EXPECT_EQ(text(1), text(1));
}

TEST(RpcChat, SaysWhatIsWrongWithARequest) {
  ServiceWorld w;
  w.run(Duration::seconds(30));
  const auto code = [&](const Node& more) { return w.error("chatCompletion", ask(more)); };
  EXPECT_EQ(w.error("chatCompletion"), kInvalidParams);
  EXPECT_EQ(code({{"model_id", "none"}}), kModelNotFound);
  EXPECT_EQ(code({{"messages", "hi"}}), kInvalidParams);
  EXPECT_EQ(code({{"messages", Node::array()}}), kInvalidChat);
  EXPECT_EQ(code({{"messages", {{{"role", "user"}}}}}), kInvalidChat);
  EXPECT_EQ(code({{"max_tokens", 0}}), kInvalidParams);
  EXPECT_EQ(code({{"max_tokens", 100'000}}), kInvalidParams);
  EXPECT_EQ(code({{"temperature", -1}}), kInvalidParams);
  EXPECT_EQ(code({{"top_p", 0}}), kInvalidParams);
  EXPECT_EQ(code({{"wait", "never"}}), kInvalidParams);
  EXPECT_EQ(code({{"request_id", std::string(65, 'x')}}), kInvalidParams);
  const Node long_one = {{{"role", "user"}, {"content", std::string(2000, 'x')}}};
  EXPECT_EQ(code({{"messages", long_one}}), kContextExceeded);
}

TEST(RpcChat, FailsWhenNobodyDelivers) {
  // The workers are gone before the question comes.
  ServiceWorld w(R"yaml(timeline:
  - {name: strike, at: t+30s, do: crash, targets: "group(workers)"}
)yaml");
  w.run(Duration::seconds(40));
  Listener listener(w);
  listener.subscribe("inferenceProgress");
  const auto got = w.send(ServiceWorld::request("chatCompletion", ask()));
  EXPECT_TRUE(w.run_until([&] { return got->has_value(); }, 4 * 3600));
  EXPECT_EQ(Node::parse(got->value_or("{}"))["error"]["code"], kTaskFailed);
  ASSERT_FALSE(listener.heard.empty());
  EXPECT_EQ(listener.results("inferenceProgress").back()["status"], "failed");
}

TEST(RpcChat, ManyWaitAtATimeAndNoMore) {
  ServiceWorld w;
  w.run(Duration::seconds(30));
  std::vector<std::shared_ptr<std::optional<std::string>>> asked;
  for (std::size_t i = 0; i <= ChatDesk::kMaxOpen; ++i) {
    asked.push_back(w.send(ServiceWorld::request("chatCompletion", ask())));
  }
  ASSERT_TRUE(asked.back()->has_value());
  EXPECT_EQ(Node::parse(**asked.back())["error"]["code"], kServerError);
  EXPECT_FALSE(asked.front()->has_value());
  // The pool takes 64 of one sender; the rest hear so, and the door is open again.
  w.run(Duration::minutes(1));
  EXPECT_TRUE(asked[100]->has_value());
}

}  // namespace
}  // namespace orrery::testnet
