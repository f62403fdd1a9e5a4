#include "protocol/node/user.h"

#include <gtest/gtest.h>

#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using Kind = UserRequest::Kind;

TEST(UserRequest, EveryKindComesBackAsItWas) {
  const UserRequest requests[] = {
      {.kind = Kind::kTask,
       .task = {.prompt = {1, 2}, .params = gpu::SamplingParams{.max_tokens = 4}.encode()}},
      {.kind = Kind::kTransfer, .to = test::addr(test::key(1)), .amount = 7},
      {.kind = Kind::kUnstake, .amount = 8},
      {.kind = Kind::kTransaction, .encoded = {1, 2, 3}}};
  for (const UserRequest& request : requests) {
    const Bytes bytes = encode(request);
    const auto decoded = decode_user_request(bytes);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->kind, request.kind);
    EXPECT_EQ(decoded->to, request.to);
    EXPECT_EQ(decoded->amount, request.amount);
    EXPECT_EQ(decoded->encoded, request.encoded);
    EXPECT_EQ(encode(*decoded), bytes);
  }
}

TEST(UserRequest, RefusesATransactionAboveTheBoundOfTransactions) {
  UserRequest request{.kind = Kind::kTransaction};
  request.encoded.resize(kMaxTransactionBytes);
  EXPECT_TRUE(decode_user_request(encode(request)).has_value());
  request.encoded.push_back(0);
  EXPECT_FALSE(decode_user_request(encode(request)).has_value());
}

TEST(UserRequest, RefusesUnknownKindsAndWhatIsLeftOver) {
  Bytes bytes = encode(UserRequest{.kind = Kind::kTransaction, .encoded = {1}});
  bytes.push_back(0);
  EXPECT_FALSE(decode_user_request(bytes).has_value());
  EXPECT_FALSE(decode_user_request(Bytes{4}).has_value());
}

}  // namespace
}  // namespace orrery::chain
