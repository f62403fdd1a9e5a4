#include "harness/testnet/rpc/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <set>

namespace orrery::testnet {
namespace {

// Of a task's way, what Prometheus counts.
const char* task_event_name(chain::ChainEventKind kind) {
  switch (kind) {
    case chain::ChainEventKind::kTaskRequested: return "requested";
    case chain::ChainEventKind::kTaskChallenged: return "challenged";
    case chain::ChainEventKind::kTaskVerdict: return "verdict";
    case chain::ChainEventKind::kTaskSettled: return "settled";
    case chain::ChainEventKind::kTaskRefunded: return "refunded";
    case chain::ChainEventKind::kTaskSlashed: return "slashed";
    default: return nullptr;
  }
}

// Zero where the machine does not tell.
std::uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class Value>
  void sample(const Value& value, std::string_view labels = {}, std::string_view suffix = {}) {
    out_ += fmt::format("{}{}{} {}\n", name_, suffix, labels, value);
  }
  template <class Value>
  void one(std::string_view name, std::string_view type, std::string_view help,
           const Value& value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string name_;
  std::string out_;
};

}  // namespace

void Metrics::count_block(const ChainFollower::Adopted& adopted, std::int64_t interval_ns,
                          const chain::ModuleTable& modules) {
  if (interval_ns > 0) {
    const double seconds = static_cast<double>(interval_ns) * 1e-9;
    std::size_t bucket = 0;
    while (bucket < kBuckets.size() && seconds > kBuckets[bucket]) ++bucket;
    ++intervals_[bucket];
    interval_sum_ += seconds;
  }
  std::set<Hash256> failed;
  if (adopted.result) {
    for (const chain::ChainEvent& event : adopted.result->events) {
      using Kind = chain::ChainEventKind;
      if (event.kind == Kind::kTransactionFailed) failed.insert(event.subject);
      if (event.kind == Kind::kTaskSettled) tokens_ += event.number;
      if (event.kind == Kind::kProofCarried) ++proofs_;
      if (const char* name = task_event_name(event.kind)) ++task_events_[name];
    }
  }
  for (const chain::TransactionPtr& tx : adopted.block->block.transactions) {
    const chain::PayloadSpec* spec = modules.payload(tx->tx.tag);
    const char* result = !adopted.result ? "unknown" : failed.count(tx->id) ? "failed" : "ok";
    ++transactions_[{spec ? spec->name : "unknown", result}];
  }
}

std::string Metrics::text(const ReadContext& c, const ChatDesk::Stats& chat,
                          const Gauges& gauges) const {
  Exposition out;
  const chain::ChainNode& node = c.view.node();
  out.one("orrery_chain_height", "gauge", "Height of the head.", c.chain().head().height());
  out.one("orrery_chain_finalized_height", "gauge", "Height of the last final block.",
          c.chain().finalized_height());
  out.one("orrery_reorgs_total", "counter", "Times the head left its branch.", reorgs_);
  out.family("orrery_block_interval_seconds", "histogram",
             "Time between the slots of a block and its parent.");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kBuckets.size(); ++i) {
    total += intervals_[i];
    out.sample(total, fmt::format("{{le=\"{}\"}}", kBuckets[i]), "_bucket");
  }
  total += intervals_.back();
  out.sample(total, "{le=\"+Inf\"}", "_bucket");
  out.sample(interval_sum_, {}, "_sum");
  out.sample(total, {}, "_count");
  out.one("orrery_mempool_transactions", "gauge", "Transactions waiting.", node.mempool().size());
  out.one("orrery_peers", "gauge", "Connected peers.", node.gossip().peers());
  out.family("orrery_transactions_total", "counter",
             "Transactions in blocks that became canonical.");
  for (const auto& [labels, count] : transactions_) {
    out.sample(count, fmt::format("{{type=\"{}\",result=\"{}\"}}", labels.first, labels.second));
  }
  out.family("orrery_tasks_total", "counter",
             "Steps of inference tasks, background ones included.");
  for (const auto& [event, count] : task_events_) {
    out.sample(count, fmt::format("{{event=\"{}\"}}", event));
  }
  out.one("orrery_inference_tokens_total", "counter",
          "Tokens of settled tasks, background ones included.", tokens_);
  out.one("orrery_inference_proofs_total", "counter", "Inference proofs in blocks.", proofs_);
  out.family("orrery_chat_requests_total", "counter", "chatCompletion requests that ended.");
  out.sample(chat.completed, "{result=\"completed\"}");
  out.sample(chat.failed, "{result=\"failed\"}");
  out.family("orrery_chat_seconds", "summary", "From a chatCompletion request to its answer.");
  out.sample(chat.seconds, {}, "_sum");
  out.sample(chat.completed, {}, "_count");
  out.one("orrery_chat_open", "gauge", "chatCompletion requests waiting.", gauges.open_chats);
  const NetworkCounters counters = c.view.counters();
  out.family("orrery_messages_total", "counter", "Messages of peers.");
  out.sample(counters.messages_sent, "{direction=\"sent\"}");
  out.sample(counters.messages_received, "{direction=\"received\"}");
  out.family("orrery_message_bytes_total", "counter", "Bytes of those messages.");
  out.sample(counters.bytes_sent, "{direction=\"sent\"}");
  out.sample(counters.bytes_received, "{direction=\"received\"}");
  out.family("orrery_rpc_requests_total", "counter", "JSON-RPC calls.");
  for (const auto& [labels, count] : calls_) {
    out.sample(count, fmt::format("{{method=\"{}\",result=\"{}\"}}", labels.first,
                                  labels.second ? "ok" : "error"));
  }
  out.one("orrery_rpc_connections", "gauge", "Open connections.", gauges.connections);
  out.one("orrery_rpc_subscriptions", "gauge", "Subscriptions.", gauges.subscriptions);
  out.one("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  return out.take();
}

}  // namespace orrery::testnet
