#include "protocol/types/state_proof.h"

#include <algorithm>

namespace orrery::chain {
namespace {

constexpr std::uint8_t kNodeDomain = 0x01;
constexpr std::uint8_t kValueDomain = 0x02;
constexpr std::size_t kChildBytes = 33;
// Prefix length, value kind and number of children of the smallest node.
constexpr std::size_t kMinNodeBytes = 9;

void put_u16(Bytes& out, std::size_t v) {
  out.push_back(static_cast<std::uint8_t>(v));
  out.push_back(static_cast<std::uint8_t>(v >> 8));
}

void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

ByteView committed(const ValueCommitment& value) {
  const bool whole = value.kind == ValueCommitment::Kind::kHash;
  return ByteView(value.bytes).first(whole ? value.bytes.size() : value.size);
}

void encode_value(Writer& out, const ValueCommitment& value) {
  out.u8(static_cast<std::uint8_t>(value.kind));
  if (value.kind == ValueCommitment::Kind::kInline) out.u8(value.size);
  out.raw(committed(value));
}

ValueCommitment decode_value(Reader& in) {
  ValueCommitment value;
  const std::uint8_t kind = in.u8();
  if (kind > 2) in.fail("a value commitment is none, inline or a hash");
  value.kind = static_cast<ValueCommitment::Kind>(kind);
  if (value.kind == ValueCommitment::Kind::kInline) value.size = in.u8();
  if (value.size > kInlineStateValue) in.fail("an inline value has at most 32 bytes");
  if (!in.ok()) return {};
  const ByteView bytes = in.raw(committed(value).size());
  std::copy(bytes.begin(), bytes.end(), value.bytes.begin());
  return value;
}

StateProof::Node decode_node(Reader& in) {
  StateProof::Node node;
  node.prefix = in.text(kMaxStatePath);
  node.value = decode_value(in);
  node.children.resize(in.count(256, kChildBytes));
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    auto& child = node.children[i];
    child.byte = in.u8();
    child.hash = in.hash();
    if (i > 0 && node.children[i - 1].byte >= child.byte) in.fail("children are ascending");
  }
  return node;
}

const StateProof::Child* find_child(const StateProof::Node& node, std::uint8_t byte) {
  const auto it = std::lower_bound(node.children.begin(), node.children.end(), byte,
                                   [](const auto& c, std::uint8_t b) { return c.byte < b; });
  return it != node.children.end() && it->byte == byte ? &*it : nullptr;
}

// What the last node says about the rest of the path below it.
enum class Finding { kPresent, kAbsent, kOpen };
Finding finding(const StateProof::Node& last, std::string_view rest) {
  if (!rest.starts_with(last.prefix)) return Finding::kAbsent;
  rest.remove_prefix(last.prefix.size());
  if (rest.empty()) {
    return last.value.kind == ValueCommitment::Kind::kNone ? Finding::kAbsent : Finding::kPresent;
  }
  return find_child(last, static_cast<std::uint8_t>(rest[0])) ? Finding::kOpen : Finding::kAbsent;
}

// The node's hash, with the child that leads to the next node added in its place if there is one.
Hash256 node_hash(const StateProof::Node& node, const StateProof::Child* next) {
  NodePreimage preimage;
  preimage.head(node.prefix, node.value, node.children.size() + (next ? 1 : 0));
  bool placed = next == nullptr;
  for (const auto& child : node.children) {
    if (!placed && next->byte < child.byte) {
      preimage.child(next->byte, next->hash);
      placed = true;
    }
    preimage.child(child.byte, child.hash);
  }
  if (!placed) preimage.child(next->byte, next->hash);
  return preimage.hash();
}

}  // namespace

ValueCommitment ValueCommitment::to(ByteView value) {
  ValueCommitment out;
  if (value.size() <= kInlineStateValue) {
    out.kind = Kind::kInline;
    out.size = static_cast<std::uint8_t>(value.size());
    std::copy(value.begin(), value.end(), out.bytes.begin());
  } else {
    out.kind = Kind::kHash;
    out.bytes = Sha256().update(ByteView(&kValueDomain, 1)).update(value).finish().bytes;
  }
  return out;
}

void NodePreimage::head(std::string_view prefix, const ValueCommitment& value,
                        std::size_t children) {
  bytes_.clear();
  bytes_.push_back(kNodeDomain);
  put_u16(bytes_, prefix.size());
  append(bytes_, as_bytes(prefix));
  bytes_.push_back(static_cast<std::uint8_t>(value.kind));
  if (value.kind == ValueCommitment::Kind::kInline) bytes_.push_back(value.size);
  append(bytes_, committed(value));
  put_u16(bytes_, children);
}

void NodePreimage::child(std::uint8_t byte, const Hash256& hash) {
  bytes_.push_back(byte);
  append(bytes_, hash.view());
}

Bytes StateProof::encode() const {
  Writer out;
  out.u32(static_cast<std::uint32_t>(nodes.size()));
  for (const Node& node : nodes) {
    out.text(node.prefix);
    encode_value(out, node.value);
    out.u32(static_cast<std::uint32_t>(node.children.size()));
    for (const Child& child : node.children) out.u8(child.byte).hash(child.hash);
  }
  out.boolean(value.has_value());
  if (value) out.bytes(*value);
  return out.take();
}

Result<StateProof> StateProof::decode(ByteView bytes) {
  if (bytes.size() > kMaxBytes) return fail(ErrorCode::kLimit, "a state proof exceeds 4 MiB");
  Reader in(bytes);
  StateProof proof;
  proof.nodes.resize(in.count(kMaxStatePath + 1, kMinNodeBytes));
  for (Node& node : proof.nodes) {
    node = decode_node(in);
    if (!in.ok()) break;
  }
  if (in.boolean()) {
    const ByteView value = in.bytes(kMaxStateValue);
    proof.value = Bytes(value.begin(), value.end());
  }
  TRY(in.finish());
  return proof;
}

Result<std::optional<Bytes>> verify_state(const Hash256& root, std::string_view path,
                                          const StateProof& proof) {
  const auto refuse = [](const char* why) { return fail(ErrorCode::kRefused, why); };
  if (proof.nodes.empty()) return refuse("a state proof starts at the root");

  // Down: every node but the last lies on the path and leaves out the child that the path takes.
  std::string_view rest = path;
  std::vector<std::uint8_t> steps;
  for (std::size_t i = 0; i + 1 < proof.nodes.size(); ++i) {
    const auto& node = proof.nodes[i];
    if (!rest.starts_with(node.prefix) || rest.size() == node.prefix.size()) {
      return refuse("a state proof goes beside its path");
    }
    const auto byte = static_cast<std::uint8_t>(rest[node.prefix.size()]);
    if (find_child(node, byte)) return refuse("a state proof has a child twice");
    rest.remove_prefix(node.prefix.size() + 1);
    steps.push_back(byte);
  }
  const Finding found = finding(proof.nodes.back(), rest);
  if (found == Finding::kOpen) return refuse("a state proof ends before its path");
  if (proof.value.has_value() != (found == Finding::kPresent)) {
    return refuse("a state proof carries the value of its path and no other");
  }
  if (proof.value && ValueCommitment::to(*proof.value) != proof.nodes.back().value) {
    return refuse("the value is not the one committed to");
  }

  // Up: the hashes must lead to the root.
  Hash256 hash = node_hash(proof.nodes.back(), nullptr);
  for (std::size_t i = proof.nodes.size() - 1; i-- > 0;) {
    const StateProof::Child next{steps[i], hash};
    hash = node_hash(proof.nodes[i], &next);
  }
  if (hash != root) return refuse("a state proof belongs to another root");
  return proof.value;
}

}  // namespace orrery::chain
