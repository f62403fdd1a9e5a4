#include "protocol/work/task.h"

#include "engine/base/hash_text.h"

namespace orrery::chain {
namespace {

void write_optional(Writer& out, bool present) { out.boolean(present); }

void write_assignment(Writer& out, const Assignment& a) {
  out.array(a.worker.bytes).u64(a.height);
  write_optional(out, a.commitment.has_value());
  if (a.commitment) out.hash(*a.commitment);
  write_optional(out, a.reveal.has_value());
  if (a.reveal) {
    out.hash(a.reveal->result).hash(a.reveal->transcript_root).u32(a.reveal->tokens);
    out.u64(a.reveal->work).u64(a.reveal->height);
  }
  out.boolean(a.carried);
}

Assignment read_assignment(Reader& in) {
  Assignment a;
  a.worker = Address{in.array<20>()};
  a.height = in.u64();
  if (in.boolean()) a.commitment = in.hash();
  if (in.boolean()) {
    Reveal r;
    r.result = in.hash();
    r.transcript_root = in.hash();
    r.tokens = in.u32();
    r.work = in.u64();
    r.height = in.u64();
    a.reveal = r;
  }
  a.carried = in.boolean();
  return a;
}

Bytes encode_task(const Task& t) {
  Writer out;
  out.hash(t.id).u8(static_cast<std::uint8_t>(t.kind)).u8(static_cast<std::uint8_t>(t.state));
  out.u8(static_cast<std::uint8_t>(t.priority)).array(t.requester.bytes).hash(t.model);
  out.bytes(t.prompt).hash(t.input_digest).bytes(t.params);
  out.u64(t.requested).u64(t.due).u64(t.sampling_seed);
  out.u32(static_cast<std::uint32_t>(t.assignments.size()));
  for (const Assignment& a : t.assignments) write_assignment(out, a);
  write_optional(out, t.challenger.has_value());
  if (t.challenger) out.array(t.challenger->bytes);
  out.u32(static_cast<std::uint32_t>(t.verdicts.size()));
  for (const Verdict& v : t.verdicts) out.array(v.validator.bytes).hash(v.result);
  return out.take();
}

Task read_task(ByteView bytes) {
  Reader in(bytes);
  Task t;
  t.id = in.hash();
  t.kind = static_cast<TaskKind>(in.u8());
  t.state = static_cast<TaskState>(in.u8());
  t.priority = static_cast<Priority>(in.u8());
  t.requester = Address{in.array<20>()};
  t.model = in.hash();
  const ByteView prompt = in.bytes(kMaxPayloadBytes);
  t.prompt.assign(prompt.begin(), prompt.end());
  t.input_digest = in.hash();
  const ByteView params = in.bytes(kMaxParamsBytes);
  t.params.assign(params.begin(), params.end());
  t.requested = in.u64();
  t.due = in.u64();
  t.sampling_seed = in.u64();
  const std::uint32_t assignments = in.count(kMaxReplicas, 20);
  for (std::uint32_t i = 0; i < assignments; ++i) t.assignments.push_back(read_assignment(in));
  if (in.boolean()) t.challenger = Address{in.array<20>()};
  const std::uint32_t verdicts = in.count(kMaxVerdicts, 52);
  for (std::uint32_t i = 0; i < verdicts; ++i) {
    const Address validator{in.array<20>()};
    t.verdicts.push_back({validator, in.hash()});
  }
  ENSURE(in.finish().has_value(), "a task record is written by us alone");
  return t;
}

}  // namespace

const char* to_string(TaskState state) {
  switch (state) {
    case TaskState::kQueued: return "queued";
    case TaskState::kAssigned: return "assigned";
    case TaskState::kCommitted: return "committed";
    case TaskState::kRevealed: return "revealed";
    case TaskState::kChallenged: return "challenged";
    case TaskState::kSettled: return "settled";
    case TaskState::kRefunded: return "refunded";
    case TaskState::kSlashed: return "slashed";
  }
  return "unknown";
}

Assignment* Task::assignment(const Address& worker) {
  for (Assignment& a : assignments) {
    if (a.worker == worker) return &a;
  }
  return nullptr;
}

std::string task_path(const Hash256& id) { return "/tasks/" + to_hex(id); }

std::optional<Task> find_task(const StateTree& state, const Hash256& id) {
  const auto value = state.get(task_path(id));
  if (!value) return std::nullopt;
  return read_task(*value);
}

void store_task(StateTree& state, const Task& task) {
  state.set(task_path(task.id), encode_task(task));
}

Bytes encode(const RequestPayload& p) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(p.kind)).u8(static_cast<std::uint8_t>(p.priority));
  return out.hash(p.model).bytes(p.prompt).bytes(p.params).take();
}
Bytes encode(const CommitPayload& p) {
  return Writer().hash(p.task).u64(p.seed).hash(p.commitment).take();
}
Bytes encode(const RevealPayload& p) {
  return Writer().hash(p.task).array(p.salt.bytes).bytes(p.result).take();
}
Bytes encode(const ResultClaim& p) {
  return Writer().hash(p.task).u64(p.seed).hash(p.result).take();
}

Result<RequestPayload> decode_request(ByteView bytes) {
  Reader in(bytes);
  RequestPayload p;
  const std::uint8_t kind = in.u8();
  if (kind >= static_cast<std::uint8_t>(TaskKind::kBackground)) in.fail("unknown kind of task");
  p.kind = static_cast<TaskKind>(kind);
  const std::uint8_t priority = in.u8();
  if (priority > static_cast<std::uint8_t>(Priority::kBackground)) in.fail("unknown priority");
  p.priority = static_cast<Priority>(priority);
  p.model = in.hash();
  const ByteView prompt = in.bytes(kMaxPayloadBytes);
  p.prompt.assign(prompt.begin(), prompt.end());
  const ByteView params = in.bytes(kMaxParamsBytes);
  p.params.assign(params.begin(), params.end());
  TRY(in.finish());
  auto decoded = gpu::SamplingParams::decode(p.params);
  if (!decoded) return tl::unexpected<Error>(decoded.error());
  return p;
}

Result<CommitPayload> decode_commit(ByteView bytes) {
  Reader in(bytes);
  CommitPayload p;
  p.task = in.hash();
  p.seed = in.u64();
  p.commitment = in.hash();
  TRY(in.finish());
  return p;
}

Result<RevealPayload> decode_reveal(ByteView bytes) {
  Reader in(bytes);
  RevealPayload p;
  p.task = in.hash();
  p.salt = Salt{in.array<32>()};
  const ByteView result = in.bytes(kMaxPayloadBytes);
  p.result.assign(result.begin(), result.end());
  TRY(in.finish());
  auto decoded = gpu::InferenceResult::decode(p.result);
  if (!decoded) return tl::unexpected<Error>(decoded.error());
  return p;
}

Result<ResultClaim> decode_claim(ByteView bytes) {
  Reader in(bytes);
  ResultClaim p;
  p.task = in.hash();
  p.seed = in.u64();
  p.result = in.hash();
  TRY(in.finish());
  return p;
}

Hash256 task_id(std::string_view chain_id, const Address& requester, std::uint64_t nonce) {
  Writer out;
  out.array(requester.bytes).u64(nonce);
  return domain_hash({"orrery/task/1", chain_id}, out.view());
}

Hash256 task_commitment(std::string_view chain_id, const Hash256& task, const Address& worker,
                        const gpu::InferenceResult& result, const Salt& salt) {
  Writer out;
  out.hash(task).array(worker.bytes).hash(result.digest()).hash(result.transcript_root);
  return commitment({"orrery/task-commit/1", chain_id}, salt, out.view());
}

Hash256 background_id(std::string_view chain_id, const Hash256& parent, const PublicKey& producer,
                      std::uint64_t index) {
  Writer out;
  out.hash(parent).array(producer.bytes).u64(index);
  return domain_hash({"orrery/background/1", chain_id}, out.view());
}

Result<Task> background_task(const ChainParams& params, const StateTree& state,
                             const Hash256& id) {
  Task task{.id = id, .kind = TaskKind::kBackground, .priority = Priority::kBackground};
  std::vector<Hash256> models;
  state.for_each("/models/", [&](std::string_view path, ByteView) {
    models.push_back(hash_at_end(path));
    return true;
  });
  if (models.empty()) return fail(ErrorCode::kRefused, "the chain has no model to work with");
  task.model = models[id.prefix() % models.size()];
  const std::string text = to_hex(ByteView(id.bytes).first(8));
  task.prompt.assign(text.begin(), text.end());
  task.input_digest = sha256(task.prompt);
  gpu::SamplingParams sampling;
  sampling.max_tokens = params.work.background_tokens;
  sampling.temperature = gpu::kTemperatureOne;
  sampling.stop_on_eos = false;
  task.params = sampling.encode();
  task.sampling_seed = Reader(ByteView(id.bytes).last(8)).u64();
  return task;
}

Amount charge_for(const FeeParams& fees, std::uint64_t tokens) {
  return mul_div_ceil(tokens, fees.price_per_1000_tokens, 1000);
}

}  // namespace orrery::chain
