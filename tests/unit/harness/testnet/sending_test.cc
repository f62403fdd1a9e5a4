#include "harness/testnet/sending.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>

#include "harness/testnet/accounts.h"
#include "protocol/ledger/ledger.h"
#include "protocol/node/wallet.h"
#include "tests/unit/harness/testnet/rpc/door.h"

namespace orrery::testnet {
namespace {

chain::KeyPair key_of(std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = seed;
  return chain::KeyPair::from_seed(bytes);
}
chain::Address address_of(std::uint8_t seed) {
  return chain::address_of(key_of(seed).public_key());
}

Order transfer(const chain::Address& to, chain::Amount amount) {
  return {.tag = chain::kTransferTag, .payload = encode(chain::TransferPayload{to, amount})};
}

constexpr chain::Amount kToken = 1'000'000'000'000'000'000;

TEST(MakeTransaction, FillsTheEnvelopeAndSigns) {
  const ChainTerms terms{.chain_id = "c", .base_fee = 7, .height = 40};
  const chain::Transaction tx = make_transaction(terms, transfer(address_of(2), 5), 9, key_of(1));
  EXPECT_EQ(tx.chain_id, "c");
  EXPECT_EQ(tx.sender, address_of(1));
  EXPECT_EQ(tx.nonce, 9u);
  EXPECT_EQ(tx.fee, chain::Amount{7});
  EXPECT_EQ(tx.valid_until, 41 + chain::Wallet::kValidBlocks);
  EXPECT_TRUE(chain::check_authorization(tx).has_value());
  const auto payload = chain::decode_transfer(tx.payload);
  EXPECT_EQ(payload->to, address_of(2));
  EXPECT_EQ(payload->amount, chain::Amount{5});
  Order dear = transfer(address_of(2), 5);
  dear.fee = 11;
  EXPECT_EQ(make_transaction(terms, dear, 9, key_of(1)).fee, chain::Amount{11});
}

TEST(MakeTransaction, IsBoundToEveryFieldThatItSigns) {
  const ChainTerms terms{.chain_id = "c", .base_fee = 7, .height = 40};
  const chain::Transaction good = make_transaction(terms, transfer(address_of(2), 5), 9, key_of(1));
  const auto broken = [&](auto change) {
    chain::Transaction tx = good;
    change(tx);
    return !chain::check_authorization(tx).has_value();
  };
  EXPECT_TRUE(broken([](auto& tx) { tx.sender = address_of(2); }));
  EXPECT_TRUE(broken([](auto& tx) { tx.chain_id = "d"; }));
  EXPECT_TRUE(broken([](auto& tx) { tx.nonce += 1; }));
  EXPECT_TRUE(broken([](auto& tx) { tx.fee -= 1; }));
  EXPECT_TRUE(broken([](auto& tx) { tx.valid_until += 1; }));
  EXPECT_TRUE(broken([](auto& tx) { tx.payload.back() ^= 1; }));
}

TEST(ParseAmount, IsExactAndNeverNegative) {
  const scenario::Currency currency{.symbol = "AIGEN", .decimals = 18};
  EXPECT_EQ(*parse_amount("12.5 AIGEN", currency), 25 * kToken / 2);
  EXPECT_EQ(*parse_amount("0.000000000000000001 AIGEN", currency), chain::Amount{1});
  for (const char* bad : {"", "5", "-5 AIGEN", "5 BTC", "0.0000000000000000001 AIGEN", "x AIGEN"}) {
    const auto amount = parse_amount(bad, currency);
    ASSERT_FALSE(amount.has_value()) << bad;
    EXPECT_EQ(amount.error().code, ErrorCode::kInvalidArgument) << bad;
  }
}

// A client on this thread's side of a door, while the world behind it goes on.
class Sending : public testing::Test {
 protected:
  Sending() : node_(*RpcClient::at("http://127.0.0.1:" + std::to_string(door_.port()))) {}

  // What `ask` gives; meanwhile the world moves on, a step each time.
  template <class Ask>
  auto meanwhile(Duration step, const Ask& ask) {
    auto answer = std::async(std::launch::async, ask);
    for (int i = 0; i < kMaxSteps; ++i) {
      if (answer.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) break;
      door_.run_world(step);
    }
    return answer.get();
  }
  Result<chain::Transaction> send(const Order& order, const chain::KeyPair& key) {
    return meanwhile(kMoment, [&] { return send_order(node_, *ask_terms(node_), order, key); });
  }
  Result<Inclusion> wait(const chain::Transaction& tx, WaitFor what) {
    return meanwhile(Duration::seconds(1), [&] {
      return wait_for(node_, chain::transaction_id(tx), tx.valid_until, what,
                      Duration::seconds(30));
    });
  }
  chain::KeyPair user() {
    const auto scenario = rpc_world()->scenario();
    return *Accounts(scenario).key("users-1");
  }

  static constexpr int kMaxSteps = 3000;
  // Enough for a node's reply, and no block comes between what the client asks.
  static constexpr Duration kMoment = Duration::micros(1);
  Door door_;
  RpcClient node_;
};

TEST_F(Sending, PaysExactlyAmountAndFee) {
  const chain::KeyPair from = user();
  Order order = transfer(address_of(7), 3 * kToken);
  order.fee = kToken / 100;
  const auto sent = send(order, from);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const auto placed = wait(*sent, WaitFor::kFinal);
  ASSERT_TRUE(placed.has_value()) << placed.error().message;
  EXPECT_TRUE(placed->final);
  EXPECT_EQ(placed->ok, true);
  EXPECT_EQ(ask_account(node_, address_of(7))->balance, 3 * kToken);
  // All of it goes on, but for the fee.
  const chain::Amount fee = ask_terms(node_)->base_fee;
  const auto onward = send(transfer(sent->sender, 3 * kToken - fee), key_of(7));
  ASSERT_TRUE(onward.has_value()) << onward.error().message;
  EXPECT_EQ(wait(*onward, WaitFor::kIncluded)->ok, true);
  EXPECT_EQ(ask_account(node_, address_of(7))->balance, chain::Amount{0});
  EXPECT_EQ(ask_account(node_, address_of(7))->nonce, 1u);
}

TEST_F(Sending, AUsedNonceIsRefused) {
  const auto first = send(transfer(address_of(7), kToken), user());
  ASSERT_TRUE(first.has_value()) << first.error().message;
  ASSERT_TRUE(wait(*first, WaitFor::kIncluded).has_value());
  Order again = transfer(address_of(8), kToken);
  again.nonce = first->nonce;
  const auto second = send(again, user());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kRefused);
  EXPECT_NE(second.error().message.find("nonce"), std::string::npos) << second.error().message;
}

TEST_F(Sending, AForeignKeyIsRefused) {
  const ChainTerms terms = *ask_terms(node_);
  chain::Transaction tx = make_transaction(terms, transfer(address_of(7), 1), 0, key_of(7));
  tx.sender = chain::address_of(user().public_key());
  const Status refused = meanwhile(kMoment, [&] { return submit(node_, tx); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kRefused);
  EXPECT_NE(refused.error().message.find("(1002)"), std::string::npos) << refused.error().message;
}

TEST_F(Sending, AnEmptyAccountIsRefusedOnce) {
  const auto poor = send(transfer(address_of(8), 1), key_of(7));
  ASSERT_FALSE(poor.has_value());
  EXPECT_EQ(poor.error().code, ErrorCode::kRefused);
}

TEST_F(Sending, WhatNobodyIncludesExpires) {
  const auto expired = meanwhile(Duration::seconds(1), [&] {
    return wait_for(node_, Hash256{}, 2, WaitFor::kFinal, Duration::seconds(30));
  });
  ASSERT_FALSE(expired.has_value());
  EXPECT_EQ(expired.error().code, ErrorCode::kRefused);
  EXPECT_NE(expired.error().message.find("expired"), std::string::npos);
}

TEST_F(Sending, IncludedIsNotYetFinal) {
  const auto sent = send(transfer(address_of(7), kToken), user());
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const auto look = [&](WaitFor what) {
    return wait_for(node_, chain::transaction_id(*sent), sent->valid_until, what,
                    Duration::millis(1));
  };
  auto placed = look(WaitFor::kIncluded);
  for (int i = 0; i < kMaxSteps && !placed; ++i) {
    door_.run_world(Duration::seconds(1));
    placed = look(WaitFor::kIncluded);
  }
  // The world stands still between inclusion and finality.
  ASSERT_TRUE(placed.has_value()) << placed.error().message;
  EXPECT_FALSE(placed->final);
  const auto late = look(WaitFor::kFinal);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kLimit);
  EXPECT_NE(late.error().message.find("which is not final"), std::string::npos);
}

TEST_F(Sending, WaitingEndsInTime) {
  // The world stands still.
  const auto late = wait_for(node_, Hash256{}, 1'000'000, WaitFor::kFinal, Duration::millis(100));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kLimit);
  EXPECT_NE(late.error().message.find("no block holds it yet"), std::string::npos);
}

// A node of one account, whose key somebody else uses as well: `answer(method)` gives the result,
// or null for a refusal. Every call has a connection of its own.
class BusyNode {
 public:
  using Answer = std::function<nlohmann::json(const std::string& method)>;

  explicit BusyNode(Answer answer)
      : acceptor_(loop_, {boost::asio::ip::address_v4::loopback(), 0}),
        thread_([this, answer = std::move(answer)] {
          while (!ends_) serve(answer);
        }) {}
  ~BusyNode() {
    ends_ = true;
    Client last(acceptor_.local_endpoint().port());  // what accept() waits for
    last.stream().close();
    thread_.join();
  }
  RpcClient client() const {
    return *RpcClient::at("http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()));
  }
  int calls() const { return calls_; }

 private:
  void serve(const Answer& answer) {
    namespace http = boost::beast::http;
    boost::asio::ip::tcp::socket socket = acceptor_.accept();
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    boost::system::error_code error;
    http::read(socket, buffer, request, error);
    if (error) return;
    ++calls_;
    const auto result = answer(nlohmann::json::parse(request.body()).at("method"));
    nlohmann::json body{{"jsonrpc", "2.0"}, {"id", 1}};
    if (result.is_null()) {
      body["error"] = {{"code", -32000}, {"message", "the nonce is taken"}};
    } else {
      body["result"] = result;
    }
    http::response<http::string_body> response{http::status::ok, 11};
    response.body() = body.dump();
    response.prepare_payload();
    http::write(socket, response, error);
  }

  boost::asio::io_context loop_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> ends_ = false;
  std::atomic<int> calls_ = 0;
  std::thread thread_;
};

nlohmann::json account(int nonce) { return {{"balance", "0"}, {"stake", "0"}, {"nonce", nonce}}; }
constexpr std::string_view kGetAccount = "getAccount";

TEST(SendOrder, SignsAgainWhenSomebodyElseTookTheNonce) {
  int asked = 0, submitted = 0;
  BusyNode node([&](const std::string& method) -> nlohmann::json {
    if (method == kGetAccount) return account(asked++ == 0 ? 1 : 2);
    if (submitted++ == 0) return nullptr;
    return {{"tx_hash", "x"}};
  });
  const auto sent = send_order(node.client(), {}, transfer(address_of(7), 1), key_of(1));
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(sent->nonce, 2u);
  EXPECT_EQ(node.calls(), 5);  // nonce, refused, look again, nonce, accepted
}

TEST(SendOrder, TriesAFewTimesOnly) {
  int nonce = 0;
  BusyNode node([&](const std::string& method) -> nlohmann::json {
    if (method == kGetAccount) return account(nonce++);
    return nullptr;
  });
  const auto sent = send_order(node.client(), {}, transfer(address_of(7), 1), key_of(1));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::kRefused);
  EXPECT_EQ(node.calls(), 3 * 3 + 2);
}

TEST(SendOrder, DoesNotRepeatWhatIsRefusedForAnotherReason) {
  BusyNode node([&](const std::string& method) -> nlohmann::json {
    if (method == kGetAccount) return account(4);
    return nullptr;
  });
  EXPECT_FALSE(send_order(node.client(), {}, transfer(address_of(7), 1), key_of(1)).has_value());
  EXPECT_EQ(node.calls(), 3);
  BusyNode once([&](const std::string&) -> nlohmann::json { return nullptr; });
  Order fixed = transfer(address_of(7), 1);
  fixed.nonce = 4;
  EXPECT_FALSE(send_order(once.client(), {}, fixed, key_of(1)).has_value());
  EXPECT_EQ(once.calls(), 1);
}

}  // namespace
}  // namespace orrery::testnet
