#include "protocol/types/vote.h"

namespace orrery::chain {
namespace {

void write_link(Writer& out, const Vote& vote) {
  out.u64(vote.source.epoch).hash(vote.source.block);
  out.u64(vote.target.epoch).hash(vote.target.block).array(vote.validator.bytes);
}

Bytes signed_message(std::string_view chain_id, const Vote& vote) {
  Writer out;
  write_link(out, vote);
  return signing_message({"orrery/vote/1", chain_id}, out.view());
}

bool surrounds(const Vote& outer, const Vote& inner) {
  return outer.source.epoch < inner.source.epoch && inner.target.epoch < outer.target.epoch;
}

}  // namespace

void encode(Writer& out, const Vote& vote) {
  write_link(out, vote);
  out.array(vote.signature.bytes);
}

Vote read_vote(Reader& in) {
  Vote vote;
  vote.source.epoch = in.u64();
  vote.source.block = in.hash();
  vote.target.epoch = in.u64();
  vote.target.block = in.hash();
  vote.validator = PublicKey{in.array<32>()};
  vote.signature = Signature{in.array<64>()};
  return vote;
}

Hash256 vote_id(std::string_view chain_id, const Vote& vote) {
  Writer out;
  encode(out, vote);
  return domain_hash({"orrery/vote-id/1", chain_id}, out.view());
}

void sign(std::string_view chain_id, Vote& vote, const KeyPair& key) {
  vote.validator = key.public_key();
  vote.signature = sign(key, signed_message(chain_id, vote));
}

bool check_signature(std::string_view chain_id, const Vote& vote) {
  return verify(vote.validator, signed_message(chain_id, vote), vote.signature);
}

Equivocation equivocation(const Vote& a, const Vote& b) {
  if (a.validator != b.validator) return Equivocation::kNone;
  if (a.source == b.source && a.target == b.target) return Equivocation::kNone;
  if (a.target.epoch == b.target.epoch) return Equivocation::kDoubleVote;
  if (surrounds(a, b) || surrounds(b, a)) return Equivocation::kSurround;
  return Equivocation::kNone;
}

}  // namespace orrery::chain
