#include "harness/testnet/rpc/views.h"

#include <algorithm>

#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"

namespace orrery::testnet {
namespace {

std::string bytes_text(const Bytes& bytes) { return std::string(as_text(bytes)); }

const char* to_string(chain::TaskKind kind) {
  switch (kind) {
    case chain::TaskKind::kChat: return "chat";
    case chain::TaskKind::kCode: return "code";
    case chain::TaskKind::kAnalysis: return "analysis";
    case chain::TaskKind::kTranslation: return "translation";
    case chain::TaskKind::kClassification: return "classification";
    case chain::TaskKind::kBackground: return "background";
  }
  return "unknown";
}

Json request_detail(const chain::RequestPayload& p) {
  return object({{"kind", to_string(p.kind)},
                 {"model", to_hex(p.model)},
                 {"prompt", bytes_text(p.prompt)},
                 {"prompt_bytes", p.prompt.size()}});
}

Json reveal_detail(const chain::RevealPayload& p) {
  const auto result = gpu::InferenceResult::decode(p.result);
  if (!result) return object({{"task", to_hex(p.task)}});
  return object({{"task", to_hex(p.task)},
                 {"output", bytes_text(result->output)},
                 {"tokens", result->generated_tokens},
                 {"transcript_root", to_hex(result->transcript_root)}});
}

Json claim_detail(const chain::ResultClaim& p) {
  return object({{"task", to_hex(p.task)}, {"result", to_hex(p.result)}});
}

// Null for payloads that nobody asks about by name.
Json detail(const chain::Transaction& tx) {
  const ByteView body = tx.payload;
  switch (tx.tag) {
    case chain::kTransferTag:
      if (const auto p = chain::decode_transfer(body)) {
        return object({{"to", p->to.hex()}, {"amount", to_decimal(p->amount)}});
      }
      break;
    case chain::kStakeTag:
      if (const auto p = chain::decode_stake(body)) {
        return object({{"amount", to_decimal(p->amount)},
                       {"validator", p->validator},
                       {"worker", p->worker}});
      }
      break;
    case chain::kUnstakeTag:
      if (const auto p = chain::decode_unstake(body)) {
        return object({{"amount", to_decimal(p->amount)}});
      }
      break;
    case chain::kRequestTag:
      if (const auto p = chain::decode_request(body)) return request_detail(*p);
      break;
    case chain::kCommitTag:
      if (const auto p = chain::decode_commit(body)) {
        return object({{"task", to_hex(p->task)}, {"commitment", to_hex(p->commitment)}});
      }
      break;
    case chain::kRevealTag:
      if (const auto p = chain::decode_reveal(body)) return reveal_detail(*p);
      break;
    case chain::kChallengeTag:
    case chain::kVerdictTag:
      if (const auto p = chain::decode_claim(body)) return claim_detail(*p);
      break;
    default: break;
  }
  return nullptr;
}

Json proof_json(const chain::InferenceProof& proof) {
  return object({{"kind", proof.kind == chain::ProofKind::kTask ? "task" : "background"},
                 {"task", to_hex(proof.task)},
                 {"input_hash", to_hex(proof.input_digest)},
                 {"output_hash", to_hex(proof.output_digest)},
                 {"transcript_root", to_hex(proof.transcript_root)},
                 {"tokens", proof.tokens},
                 {"work", proof.work}});
}

}  // namespace

std::int64_t unix_ms(std::int64_t unix_ns) { return unix_ns / 1'000'000; }

std::string type_name(const chain::Transaction& tx, const chain::ModuleTable& modules) {
  const chain::PayloadSpec* spec = modules.payload(tx.tag);
  return spec ? spec->name : "unknown";
}

std::vector<Member> block_summary(const chain::SharedBlock& block) {
  const chain::Header& header = block.header();
  std::uint32_t tokens = 0;
  for (const auto& proof : block.block.proofs) tokens += proof.tokens;
  return {{"height", header.height},
          {"hash", to_hex(block.hash)},
          {"parent_hash", to_hex(header.parent)},
          {"timestamp_ms", unix_ms(header.timestamp_ns)},
          {"slot", header.slot},
          {"proposer", chain::address_of(header.proposer).hex()},
          {"transaction_count", block.block.transactions.size()},
          {"proof_count", block.block.proofs.size()},
          {"evidence_count", block.block.evidence.size()},
          {"proved_tokens", tokens},
          {"work", header.work},
          {"size", block.encoded.size()}};
}

Json block_json(const chain::SharedBlock& block, const chain::ModuleTable& modules,
                const BlockStanding& standing) {
  const chain::Header& header = block.header();
  std::vector<Json> transactions;
  for (const auto& tx : block.block.transactions) {
    transactions.push_back(object(transaction_members(*tx, modules)));
  }
  std::vector<Json> proofs;
  for (const auto& proof : block.block.proofs) proofs.push_back(proof_json(proof));
  std::vector<Json> evidence;
  for (const auto& item : block.block.evidence) {
    evidence.push_back(object({{"validator", item.first.validator.hex()},
                               {"first_epoch", item.first.target.epoch},
                               {"second_epoch", item.second.target.epoch}}));
  }
  std::vector<Member> members = block_summary(block);
  members.insert(members.end(), {{"canonical", standing.canonical},
                                 {"final", standing.final},
                                 {"proposer_key", header.proposer.hex()},
                                 {"state_root", to_hex(header.state_root)},
                                 {"transactions_root", to_hex(header.transactions_root)},
                                 {"inference_hash", to_hex(header.inference_hash)},
                                 {"evidence_root", to_hex(header.evidence_root)},
                                 {"difficulty", std::to_string(header.difficulty)},
                                 {"transactions", array(transactions)},
                                 {"proofs", array(proofs)},
                                 {"evidence", array(evidence)}});
  return object(members);
}

std::vector<Member> transaction_members(const chain::SharedTransaction& shared,
                                        const chain::ModuleTable& modules) {
  const chain::Transaction& tx = shared.tx;
  return {{"hash", to_hex(shared.id)},
          {"type", type_name(tx, modules)},
          {"tag", tx.tag},
          {"sender", tx.sender.hex()},
          {"nonce", tx.nonce},
          {"fee", to_decimal(tx.fee)},
          {"valid_until", tx.valid_until},
          {"size", shared.encoded.size()},
          {"payload", to_hex(tx.payload)},
          {"detail", detail(tx)}};
}

Json task_json(const chain::Task& task, const std::string& model_name) {
  std::vector<Json> assignments;
  for (const chain::Assignment& a : task.assignments) {
    assignments.push_back(
        object({{"worker", a.worker.hex()},
                {"height", a.height},
                {"committed", a.commitment.has_value()},
                {"revealed_at", a.reveal ? Json(a.reveal->height) : Json(nullptr)},
                {"output_hash", a.reveal ? Json(to_hex(a.reveal->result)) : Json(nullptr)},
                {"tokens", a.reveal ? Json(a.reveal->tokens) : Json(nullptr)}}));
  }
  return object({{"task", to_hex(task.id)},
                 {"kind", to_string(task.kind)},
                 {"state", chain::to_string(task.state)},
                 {"requester", task.requester.hex()},
                 {"model", to_hex(task.model)},
                 {"model_id", model_name},
                 {"input_hash", to_hex(task.input_digest)},
                 {"requested_at", task.requested},
                 {"due", task.due},
                 {"sampling_seed", std::to_string(task.sampling_seed)},
                 {"challenger", task.challenger ? Json(task.challenger->hex()) : Json(nullptr)},
                 {"assignments", array(assignments)}});
}

}  // namespace orrery::testnet
