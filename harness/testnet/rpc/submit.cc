#include "harness/testnet/rpc/submit.h"

#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"
#include "protocol/types/transaction.h"

// ASSIGN_OR_RETURN for errors of RPC.
#define READ(lhs, expression) READ_INNER(ORRERY_CONCAT(read_, __LINE__), lhs, expression)
#define READ_INNER(name, lhs, expression)                   \
  auto name = (expression);                                 \
  if (!name) return tl::unexpected<RpcError>(name.error()); \
  lhs = std::move(*name)

namespace orrery::testnet {
namespace {

template <class T>
using Read = tl::expected<T, RpcError>;

tl::unexpected<RpcError> malformed(std::string_view member, std::string_view expected) {
  return refuse(kInvalidParams, std::string(member) + ": " + std::string(expected));
}

Read<std::uint64_t> number(JsonView tx, std::string_view name) {
  const JsonView value = tx.member(name);
  if (const auto n = value.u64()) return *n;
  const auto text = value.text();
  const auto wide = text ? parse_decimal(*text) : std::nullopt;
  if (!wide || *wide > UINT64_MAX) return malformed(name, "a whole number of 64 bits");
  return static_cast<std::uint64_t>(*wide);
}

Read<chain::Amount> amount(JsonView tx, std::string_view name) {
  const JsonView value = tx.member(name);
  if (const auto n = value.u64()) return chain::Amount{*n};
  const auto text = value.text();
  const auto wide = text ? parse_decimal(*text) : std::nullopt;
  if (!wide) return malformed(name, "an amount in base units as a decimal string");
  return *wide;
}

Read<Bytes> hex(JsonView tx, std::string_view name) {
  const auto text = tx.member(name).text();
  auto bytes = text ? from_hex(*text) : std::nullopt;
  if (!bytes) return malformed(name, "lower-case hexadecimal");
  return std::move(*bytes);
}

template <class Fixed>
Read<Fixed> fixed(JsonView tx, std::string_view name) {
  const auto text = tx.member(name).text();
  const auto value = text ? Fixed::from_hex(*text) : std::nullopt;
  if (!value) return malformed(name, std::to_string(2 * Fixed::kSize) + " hexadecimal digits");
  return *value;
}

Read<chain::PayloadTag> tag_of(JsonView tx, const chain::ModuleTable& modules) {
  if (const auto tag = tx.member("tag").u64(); tag && *tag <= UINT16_MAX) {
    return static_cast<chain::PayloadTag>(*tag);
  }
  const auto type = tx.member("type").text();
  for (const chain::Module& module : modules.modules()) {
    for (const chain::PayloadSpec& spec : module.payloads) {
      if (type == spec.name) return spec.tag;
    }
  }
  return malformed("type", "the name or tag of a payload");
}

Read<Bytes> payload_of(JsonView tx, chain::PayloadTag tag) {
  if (tx.member("payload")) return hex(tx, "payload");
  if (tag == chain::kTransferTag) {
    READ(const chain::Address to, fixed<chain::Address>(tx, "to"));
    READ(const chain::Amount sum, amount(tx, "amount"));
    return encode(chain::TransferPayload{to, sum});
  }
  if (tag == chain::kStakeTag) {
    READ(const chain::Amount sum, amount(tx, "amount"));
    return encode(chain::StakePayload{sum, tx.member("validator").boolean().value_or(false),
                                      tx.member("worker").boolean().value_or(false)});
  }
  if (tag == chain::kUnstakeTag) {
    READ(const chain::Amount sum, amount(tx, "amount"));
    return encode(chain::UnstakePayload{sum});
  }
  return malformed("payload", "hexadecimal of the payload's canonical encoding");
}

Read<Bytes> from_fields(JsonView fields, const chain::ModuleTable& modules) {
  chain::Transaction tx;
  const auto chain_id = fields.member("chain_id").text();
  if (!chain_id || chain_id->size() > chain::kMaxChainIdBytes) {
    return malformed("chain_id", "the chain's name");
  }
  tx.chain_id = *chain_id;
  READ(tx.sender, fixed<chain::Address>(fields, "sender"));
  READ(tx.nonce, number(fields, "nonce"));
  READ(tx.fee, amount(fields, "fee"));
  READ(tx.valid_until, number(fields, "valid_until"));
  READ(tx.tag, tag_of(fields, modules));
  READ(tx.payload, payload_of(fields, tx.tag));
  READ(const auto key, fixed<chain::PublicKey>(fields, "public_key"));
  READ(const auto signature, fixed<chain::Signature>(fields, "signature"));
  tx.authorization = {.policy = {1, {key}}, .signatures = {{0, signature}}};
  return encode(tx);
}

}  // namespace

tl::expected<Bytes, RpcError> read_transaction(const Params& params,
                                               const chain::ModuleTable& modules) {
  JsonView tx = params.get("transaction", 0);
  if (!tx) tx = params.value();
  if (!tx.is_object()) return refuse(kInvalidParams, "a transaction is an object");
  Read<Bytes> encoded = tx.member("encoded") ? hex(tx, "encoded") : from_fields(tx, modules);
  if (!encoded) return encoded;
  const auto shared = chain::share_transaction(*encoded);
  if (!shared) return refuse(kInvalidParams, "transaction: " + shared.error().message);
  const Status authorized = chain::check_authorization((*shared)->tx);
  if (!authorized) return refuse(kInvalidSignature, authorized.error().message);
  return encoded;
}

}  // namespace orrery::testnet
