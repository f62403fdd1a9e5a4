#include "harness/testnet/rpc/json_rpc.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace orrery::testnet {
namespace {

using Node = nlohmann::json;

// One method: echoes its first parameter if that is a scalar; "later" answers at the test's word.
struct Server {
  std::vector<Respond> waiting;

  std::optional<std::string> call(std::string_view text) {
    std::optional<std::string> got;
    bool answered = false;
    serve_json_rpc(
        text,
        [&](const std::string& method, const Params& params, Respond respond) {
          if (method == "later") return waiting.push_back(std::move(respond));
          if (method != "echo") return respond(refuse(kMethodNotFound, "no"));
          const JsonView value = params.get("value", 0);
          if (!value.is_scalar()) return respond(refuse(kInvalidParams, "a scalar"));
          respond(value.copy());
        },
        [&](std::optional<std::string> answer) {
          EXPECT_FALSE(answered) << "two answers";
          answered = true;
          got = std::move(answer);
        });
    while (!waiting.empty()) {  // newest first: answers may come in any order
      const Respond respond = std::move(waiting.back());
      waiting.pop_back();
      respond(Json("late"));
    }
    EXPECT_TRUE(answered);
    return got;
  }
  int error(std::string_view text) {
    const auto got = call(text);
    if (!got) return 0;
    const Node answer = Node::parse(*got);
    EXPECT_EQ(answer.size(), 3u) << *got;
    return answer["error"]["code"].get<int>();
  }
};

TEST(JsonRpc, EchoesTheIdWithItsType) {
  Server server;
  for (const char* id : {"1", "\"x\"", "null", "1.5", "-7", "18446744073709551615"}) {
    const std::string text =
        std::string(R"({"jsonrpc":"2.0","method":"echo","params":[3],"id":)") + id + "}";
    EXPECT_EQ(server.call(text), std::string(R"({"jsonrpc":"2.0","id":)") + id + R"(,"result":3})");
  }
}

TEST(JsonRpc, TakesParametersByNameAndByPosition) {
  Server server;
  const auto result = [&](const char* params) {
    return Node::parse(*server.call(
        std::string(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":)") + params + "}"));
  };
  EXPECT_EQ(result(R"(["a"])")["result"], "a");
  EXPECT_EQ(result(R"({"value":"b"})")["result"], "b");
  EXPECT_EQ(result(R"({})")["error"]["code"], kInvalidParams);
}

TEST(JsonRpc, NamesTheKindOfFault) {
  Server server;
  for (const char* text :
       {"", " ", "{", "[1,", "nul", R"({"a":1} x)", "\xff", "\"\xc3\x28\"", "{}{}"}) {
    EXPECT_EQ(server.error(text), kParseError) << text;
  }
  for (const char* text :
       {"1", "null", "\"x\"", "[]", "{}", R"({"jsonrpc":"1.0","method":"echo","id":1})",
        R"({"jsonrpc":"2.0","method":7,"id":1})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","method":"echo","params":3,"id":1})",
        R"({"jsonrpc":"2.0","method":"echo","id":[1]})",
        R"({"jsonrpc":"2.0","method":"echo","id":true})"}) {
    EXPECT_EQ(server.error(text), kInvalidRequest) << text;
  }
  EXPECT_EQ(server.error(R"({"jsonrpc":"2.0","method":"none","id":1})"), kMethodNotFound);
  EXPECT_EQ(server.error(R"({"jsonrpc":"2.0","method":"echo","params":[[]],"id":1})"),
            kInvalidParams);
}

TEST(JsonRpc, AnswersNoNotification) {
  Server server;
  EXPECT_EQ(server.call(R"({"jsonrpc":"2.0","method":"echo","params":[1]})"), std::nullopt);
  EXPECT_EQ(server.call(R"({"jsonrpc":"2.0","method":"none"})"), std::nullopt);
  EXPECT_EQ(
      server.call(R"([{"jsonrpc":"2.0","method":"echo"},{"jsonrpc":"2.0","method":"later"}])"),
      std::nullopt);
}

TEST(JsonRpc, AnswersABatchWithoutItsNotificationsOnceAllHaveCome) {
  Server server;
  const Node answer = Node::parse(*server.call(
      R"([{"jsonrpc":"2.0","method":"later","id":"a"},
          {"jsonrpc":"2.0","method":"echo","params":[1]},
          {"jsonrpc":"2.0","method":"later","id":"b"},
          {"jsonrpc":"2.0","method":"echo","params":[2],"id":"c"}, 7])"));
  ASSERT_EQ(answer.size(), 4u);
  std::map<std::string, Node> by_id;
  for (const Node& one : answer) by_id[one["id"].dump()] = one;
  EXPECT_EQ(by_id["\"a\""]["result"], "late");
  EXPECT_EQ(by_id["\"b\""]["result"], "late");
  EXPECT_EQ(by_id["\"c\""]["result"], 2);
  EXPECT_EQ(by_id["null"]["error"]["code"], kInvalidRequest);
}

TEST(JsonRpc, BoundsBatchesAndDepth) {
  Server server;
  std::string batch = "[";
  for (std::size_t i = 0; i <= kMaxBatch; ++i) batch += i == 0 ? "1" : ",1";
  EXPECT_EQ(server.error(batch + "]"), kInvalidRequest);
  EXPECT_EQ(server.error(std::string(1 << 20, '[')), kParseError);
  std::string deep(JsonDocument::kMaxDepth + 1, '[');
  EXPECT_EQ(server.error(deep + std::string(deep.size(), ']')), kParseError);
  // Brackets inside a text are no depth.
  const std::string text(100, '[');
  EXPECT_EQ(Node::parse(*server.call(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":[")" +
                                     text + "\"]}"))["result"],
            text);
}

TEST(JsonRpc, BoundsTheAnswerOfABatch) {
  std::string batch;
  for (int i = 0; i < 5; ++i) {
    batch += (i == 0 ? "[" : ",") + std::string(R"({"jsonrpc":"2.0","method":"big","id":1})");
  }
  std::string got;
  serve_json_rpc(
      batch + "]",
      [](const std::string&, const Params&, const Respond& respond) {
        respond(Json(std::string(kMaxAnswerBytes / 3, 'x')));
      },
      [&](std::optional<std::string> answer) { got = *answer; });
  EXPECT_LT(got.size(), kMaxAnswerBytes + 1000);
  const Node answer = Node::parse(got);
  ASSERT_EQ(answer.size(), 5u);
  EXPECT_TRUE(answer[1].contains("result"));
  EXPECT_EQ(answer[4]["error"]["code"], kServerError);
}

TEST(Json, WritesBytesThatAreNoUtf8AsReplacementCharacters) {
  EXPECT_EQ(Json("a\xff\"\n").text, "\"a\xef\xbf\xbd\\\"\\n\"");
  EXPECT_EQ(object({{"a", 1}, {"b", nullptr}, {"c", true}}).text, R"({"a":1,"b":null,"c":true})");
}

}  // namespace
}  // namespace orrery::testnet
