// What users send to their node and what it answers: canonical.
#include "protocol/node/user.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

namespace orrery {

// The first byte picks the decoder.
std::vector<Bytes> fuzz::seeds() {
  using chain::UserRequest;
  std::vector<Bytes> out{
      encode(UserRequest{.kind = UserRequest::Kind::kTask, .task = sample_request()}),
      encode(UserRequest{.kind = UserRequest::Kind::kTransfer, .amount = 7}),
      encode(UserRequest{.kind = UserRequest::Kind::kUnstake, .amount = 7}),
      encode(UserRequest{.kind = UserRequest::Kind::kTransaction,
                         .encoded = encode(sample_transaction())})};
  for (Bytes& request : out) request.insert(request.begin(), 0);
  for (const bool accepted : {false, true}) {
    Bytes reply = encode(chain::UserReply{.accepted = accepted, .error = accepted ? "" : "no"});
    reply.insert(reply.begin(), 1);
    out.push_back(std::move(reply));
  }
  return out;
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    const auto request = chain::decode_user_request(input);
    if (!request) return 0;
    fuzz::accepted();
    FUZZ_CHECK(std::ranges::equal(encode(*request), input));
  } else {
    const auto reply = chain::decode_user_reply(input);
    if (!reply) return 0;
    fuzz::accepted();
    FUZZ_CHECK(std::ranges::equal(encode(*reply), input));
  }
  return 0;
}
