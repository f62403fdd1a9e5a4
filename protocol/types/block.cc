#include "protocol/types/block.h"

#include "engine/base/codec.h"
#include "protocol/types/merkle.h"

namespace orrery::chain {
namespace {

void write_unsigned(Writer& out, const Header& h) {
  out.u16(h.version).hash(h.parent).i64(h.timestamp_ns).u64(h.height).u64(h.slot);
  out.array(h.proposer.bytes).hash(h.transactions_root).hash(h.inference_hash);
  out.hash(h.evidence_root).hash(h.state_root).array(h.randomness.bytes);
  out.u64(h.difficulty).u64(h.nonce).u64(h.work);
}

constexpr std::size_t kHeaderBytes = 2 + 8 + 2 * 8 + 32 + 5 * 32 + 80 + 3 * 8 + 64;

Header read_header(Reader& in) {
  Header h;
  h.version = in.u16();
  if (h.version != kHeaderVersion) in.fail("unknown header version");
  h.parent = in.hash();
  h.timestamp_ns = in.i64();
  h.height = in.u64();
  h.slot = in.u64();
  h.proposer = PublicKey{in.array<32>()};
  h.transactions_root = in.hash();
  h.inference_hash = in.hash();
  h.evidence_root = in.hash();
  h.state_root = in.hash();
  h.randomness = VrfProof{in.array<80>()};
  h.difficulty = in.u64();
  h.nonce = in.u64();
  h.work = in.u64();
  h.signature = Signature{in.array<64>()};
  return h;
}

void write_proof(Writer& out, const InferenceProof& p) {
  out.u8(static_cast<std::uint8_t>(p.kind)).hash(p.task).hash(p.input_digest);
  out.hash(p.output_digest).hash(p.transcript_root).i64(p.timestamp_ns).u64(p.nonce);
  out.u32(p.tokens).u64(p.work);
}
constexpr std::size_t kProofBytes = 1 + 4 * 32 + 8 + 8 + 4 + 8;

InferenceProof read_proof(Reader& in) {
  InferenceProof p;
  const std::uint8_t kind = in.u8();
  if (kind > 1) in.fail("unknown kind of inference proof");
  p.kind = static_cast<ProofKind>(kind);
  p.task = in.hash();
  p.input_digest = in.hash();
  p.output_digest = in.hash();
  p.transcript_root = in.hash();
  p.timestamp_ns = in.i64();
  p.nonce = in.u64();
  p.tokens = in.u32();
  p.work = in.u64();
  return p;
}

template <class T, class Write>
Hash256 root_of(const std::vector<T>& items, Write&& write) {
  std::vector<Hash256> leaves;
  leaves.reserve(items.size());
  for (const T& item : items) {
    Writer out;
    write(out, item);
    leaves.push_back(merkle_leaf(out.view()));
  }
  return merkle_root(leaves);
}

Bytes signed_message(std::string_view chain_id, const Header& header) {
  const Hash256 hash = block_hash(chain_id, header);
  return signing_message({"orrery/block-signature/1", chain_id}, hash.view());
}

void write_evidence(Writer& out, const Evidence& e) {
  encode(out, e.first);
  encode(out, e.second);
}

}  // namespace

Bytes encode_header(const Header& header) {
  Writer out;
  write_unsigned(out, header);
  return out.array(header.signature.bytes).take();
}

Bytes encode(const Block& block) {
  Writer out;
  out.raw(encode_header(block.header));
  out.u32(static_cast<std::uint32_t>(block.transactions.size()));
  for (const TransactionPtr& tx : block.transactions) out.bytes(tx->encoded.view());
  out.u32(static_cast<std::uint32_t>(block.proofs.size()));
  for (const InferenceProof& proof : block.proofs) write_proof(out, proof);
  out.u32(static_cast<std::uint32_t>(block.evidence.size()));
  for (const Evidence& evidence : block.evidence) write_evidence(out, evidence);
  return out.take();
}

std::size_t encoded_size(const Block& block) {
  constexpr std::size_t kCount = 4;
  std::size_t bytes = kHeaderBytes + 3 * kCount + block.proofs.size() * kProofBytes +
                      block.evidence.size() * 2 * kVoteBytes;
  for (const TransactionPtr& tx : block.transactions) bytes += kCount + tx->encoded.size();
  return bytes;
}

Result<BlockPtr> decode_block(ByteView bytes, std::string_view chain_id,
                              const TransactionSource& source) {
  Reader in(bytes);
  auto shared = std::make_shared<SharedBlock>();
  shared->block.header = read_header(in);
  const std::uint32_t transactions = in.count(kMaxBlockTransactions, 4);
  for (std::uint32_t i = 0; i < transactions && in.ok(); ++i) {
    const ByteView encoded = in.bytes(kMaxTransactionBytes);
    if (!in.ok()) break;
    auto tx = source(encoded);
    if (!tx) {
      in.fail(tx.error().message);
      break;
    }
    shared->block.transactions.push_back(std::move(*tx));
  }
  const std::uint32_t proofs = in.count(kMaxBlockProofs, kProofBytes);
  for (std::uint32_t i = 0; i < proofs; ++i) shared->block.proofs.push_back(read_proof(in));
  const std::uint32_t evidence = in.count(kMaxBlockEvidence, 2 * kVoteBytes);
  for (std::uint32_t i = 0; i < evidence; ++i) {
    const Vote first = read_vote(in);
    shared->block.evidence.push_back({first, read_vote(in)});
  }
  TRY(in.finish());
  TRY(check_roots(shared->block));
  shared->hash = block_hash(chain_id, shared->block.header);
  shared->encoded = Buffer(Bytes(bytes.begin(), bytes.end()));
  return shared;
}

Hash256 block_hash(std::string_view chain_id, const Header& header) {
  Writer out;
  write_unsigned(out, header);
  return domain_hash({"orrery/block/1", chain_id}, out.view());
}

BlockPtr share_block(Block block, std::string_view chain_id) {
  auto shared = std::make_shared<SharedBlock>();
  shared->hash = block_hash(chain_id, block.header);
  shared->encoded = Buffer(encode(block));
  shared->block = std::move(block);
  return shared;
}

Hash256 transactions_root(const std::vector<TransactionPtr>& transactions) {
  return root_of(transactions, [](Writer& out, const TransactionPtr& tx) { out.hash(tx->id); });
}
Hash256 inference_hash(const std::vector<InferenceProof>& proofs) {
  return root_of(proofs, write_proof);
}
Hash256 evidence_root(const std::vector<Evidence>& evidence) {
  return root_of(evidence, write_evidence);
}

void sign(std::string_view chain_id, Header& header, const KeyPair& key) {
  header.signature = sign(key, signed_message(chain_id, header));
}

bool check_signature(std::string_view chain_id, const Header& header) {
  return verify(header.proposer, signed_message(chain_id, header), header.signature);
}

Status check_roots(const Block& block) {
  if (block.header.transactions_root != transactions_root(block.transactions) ||
      block.header.inference_hash != inference_hash(block.proofs) ||
      block.header.evidence_root != evidence_root(block.evidence)) {
    return fail(ErrorCode::kMalformed, "a root of the header does not match the body");
  }
  return {};
}

}  // namespace orrery::chain
