#include "harness/inspect/trace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/inspect/names.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::inspect {
namespace {

constexpr std::uint32_t kWorldProcess = 1;  // viewers take 0 for the idle task
constexpr std::uint32_t kFirstGroup = 2;
constexpr std::uint32_t kFirstThread = 1000;
// Where a processor takes no time for an event, its slice is as short as the format can say.
constexpr Duration kLeastSlice{1};

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// Microseconds, the format's unit, to the nanosecond.
std::string micros(std::int64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

}  // namespace

TraceFile::TraceFile(std::ostream& out, const scenario::Scenario& scenario, TraceWindow window)
    : out_(out), scenario_(scenario), window_(std::move(window)) {
  for (const scenario::NodeSpec& node : scenario.nodes) {
    const auto it = std::find(groups_.begin(), groups_.end(), node.group);
    group_of_.push_back(static_cast<std::uint32_t>(it - groups_.begin()));
    if (it == groups_.end()) groups_.push_back(node.group);
  }
  out_ << fmt::format(
      "{{\"displayTimeUnit\":\"ms\",\n\"otherData\":{{\"schema\":\"orrery.trace/1\","
      "\"scenario\":{},\"seed\":\"{}\",\"scenario_hash\":\"{}\"}},\n\"traceEvents\":[",
      json_text(scenario.name), scenario.seed, to_hex(scenario.hash));
  name_tracks();
}

void TraceFile::name_tracks() {
  const auto name = [&](const char* what, std::uint32_t pid, std::uint32_t tid,
                        std::string_view text) {
    row(fmt::format(R"({{"ph":"M","name":"{}","pid":{},"tid":{},"args":{{"name":{}}}}})", what, pid,
                    tid, json_text(text)));
  };
  name("process_name", kWorldProcess, kWorldProcess, "world");
  name("thread_name", kWorldProcess, kWorldProcess, "faults and finality");
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    name("process_name", kFirstGroup + g, kFirstGroup + g, groups_[g]);
    row(fmt::format(
        R"({{"ph":"M","name":"process_sort_index","pid":{0},"args":{{"sort_index":{0}}}}})",
        kFirstGroup + g));
  }
  for (std::uint32_t n = 0; n < scenario_.nodes.size(); ++n) {
    if (!shown(n)) continue;
    name("thread_name", kFirstGroup + group_of_[n], kFirstThread + n, scenario_.nodes[n].name);
  }
}

std::string TraceFile::where(std::uint32_t node) const {
  const std::uint32_t pid =
      node == env::TraceSink::kWorld ? kWorldProcess : kFirstGroup + group_of_[node];
  const std::uint32_t tid = node == env::TraceSink::kWorld ? kWorldProcess : kFirstThread + node;
  return fmt::format(R"("pid":{},"tid":{})", pid, tid);
}

void TraceFile::row(const std::string& text) {
  out_ << (counts_.rows++ == 0 ? "\n" : ",\n") << text;
}

bool TraceFile::may_begin(Time now) {
  if (!inside(now)) return false;
  if (!opened_) {
    opened_ = true;
    for (const std::uint64_t id : faults_) fault_row(window_.from, id, true);
  }
  if (counts_.rows >= window_.max_rows) counts_.cut = true;
  return !counts_.cut;
}

void TraceFile::on_sent(const sim::Sent& sent) {
  if (!may_begin(sent.at) || !shown(sent.from) || !shown(sent.to)) return;
  const Flow flow{next_flow_++, message_name(sent.payload.view()), sent.to};
  row(fmt::format(R"({{"ph":"s","cat":"message","name":{},"id":{},{},"ts":{},"args":{{)"
                  R"("to":{},"bytes":{},"channel":"{}"}}}})",
                  json_text(flow.name), flow.id, where(sent.from), micros(sent.at.ns),
                  json_text(scenario_.nodes[sent.to].name), sent.payload.size(),
                  sent.channel == env::Channel::kReliable ? "reliable" : "datagram"));
  ++counts_.flows;
  open_.insert_or_assign({sent.from, sent.number}, flow);
}

void TraceFile::on_renumbered(std::uint32_t from, std::uint64_t number, std::uint64_t next) {
  auto node = open_.extract({from, number});
  if (node.empty()) return;
  node.key() = {from, next};
  open_.insert(std::move(node));
}

void TraceFile::end_flow(Time now, std::map<Message, Flow>::iterator it, const char* fate) {
  const Flow& flow = it->second;
  row(fmt::format(R"({{"ph":"i","s":"t","cat":"lost","name":{},{},"ts":{},"args":{{"flow":{},)"
                  R"("to":{}}}}})",
                  json_text(fmt::format("{}: {}", fate, flow.name)), where(it->first.first),
                  micros(now.ns), flow.id, json_text(scenario_.nodes[flow.to].name)));
  open_.erase(it);
}

void TraceFile::on_lost(Time now, std::uint32_t from, std::uint64_t number) {
  const auto flow = open_.find({from, number});
  if (flow == open_.end()) return;
  ++counts_.lost;
  end_flow(std::min(now, window_.to), flow, "lost");
}

void TraceFile::on_handled(Time now, const sim::EventKey& key, const env::Event& event,
                           Duration cost) {
  const std::uint32_t node = key.destination;
  if (!inside(now) || !shown(node)) return;
  const auto* message = std::get_if<env::MessageIn>(&event);
  const auto flow = message ? open_.find({key.source, key.counter}) : open_.end();
  if (!may_begin(now) && flow == open_.end()) return;
  std::string args;
  if (message) {
    args = fmt::format(R"("from":{},"bytes":{})", json_text(scenario_.nodes[key.source].name),
                       message->payload.size());
  }
  if (now > key.time) {
    args +=
        fmt::format(R"({}"waited_us":{})", args.empty() ? "" : ",", micros((now - key.time).ns));
  }
  row(fmt::format(R"({{"ph":"X","cat":"handler","name":{},{},"ts":{},"dur":{},"args":{{{}}}}})",
                  json_text(heard_name(event)), where(node), micros(now.ns),
                  micros(std::max(cost, kLeastSlice).ns), args));
  ++counts_.slices;
  if (flow == open_.end()) return;
  row(fmt::format(R"({{"ph":"f","bp":"e","cat":"message","name":{},"id":{},{},"ts":{}}})",
                  json_text(flow->second.name), flow->second.id, where(node), micros(now.ns)));
  open_.erase(flow);
}

void TraceFile::mark(Time now, std::uint32_t node, std::string_view name, const std::string& args) {
  const bool world = node == env::TraceSink::kWorld;
  row(fmt::format(R"({{"ph":"i","s":"{}","cat":"{}","name":{},{},"ts":{},"args":{{{}}}}})",
                  world ? "g" : "t", world ? "world" : "trace", json_text(name), where(node),
                  micros(now.ns), args));
  ++counts_.marks;
}

std::string TraceFile::fault_name(std::uint64_t id) const {
  for (const scenario::FaultSpec& spec : scenario_.timeline) {
    if (spec.id == id) return spec.name;
  }
  return fmt::format("fault {}", id);
}

void TraceFile::fault_row(Time now, std::uint64_t id, bool begins) {
  const std::string name = fault_name(id);
  row(fmt::format(R"({{"ph":"{}","cat":"fault","name":{},"id":{},{},"ts":{}}})", begins ? "b" : "e",
                  json_text(name), id, where(env::TraceSink::kWorld), micros(now.ns)));
  mark(now, env::TraceSink::kWorld,
       fmt::format("{}: {}", begins ? "fault begins" : "fault ends", name),
       fmt::format(R"("fault":{})", id));
}

void TraceFile::fault(Time now, const env::TraceEvent& event) {
  const bool begins = event.kind == env::kFaultBegin;
  const bool told = inside(now) && (may_begin(now) || !begins);
  if (begins) {
    faults_.insert(event.n[0]);
  } else {
    faults_.erase(event.n[0]);
  }
  if (told) fault_row(now, event.n[0], begins);
}

void TraceFile::on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) {
  if (event.kind == env::kFaultBegin || event.kind == env::kFaultEnd) return fault(now, event);
  // Losses are told with their arrows, and a sync by the slice of its answer.
  if (event.kind == env::kMessageLost || event.kind == env::kStoreSynced) return;
  if (!may_begin(now) || node == env::TraceSink::kWorld) return;
  if (event.kind == chain::kTraceFinalized && event.n[1] > final_height_) {
    final_height_ = event.n[1];
    mark(now, env::TraceSink::kWorld, fmt::format("final height {}", final_height_),
         fmt::format(R"("height":{},"epoch":{},"first":{})", final_height_, event.n[0],
                     json_text(scenario_.nodes[node].name)));
  }
  if (!shown(node)) return;
  if (event.kind == env::kNodeBoot) {  // a slice, for what it sends
    row(fmt::format(R"({{"ph":"X","cat":"handler","name":"boot",{},"ts":{},"dur":{},"args":{{)"
                    R"("life":{}}}}})",
                    where(node), micros(now.ns), micros(kLeastSlice.ns), event.n[0] + 1));
    ++counts_.slices;
    return;
  }
  mark(now, node, trace_name(event.kind),
       fmt::format(R"("n":[{},{}],"of":"{}")", event.n[0], event.n[1],
                   to_hex(event.a).substr(0, 16)));
}

TraceCounts TraceFile::finish(Time now) {
  const Time end = std::min(now, window_.to);
  while (!open_.empty()) {
    ++counts_.unheard;
    end_flow(end, open_.begin(), "not heard by the end");
  }
  for (const std::uint64_t id : opened_ ? faults_ : std::set<std::uint64_t>{}) {
    row(fmt::format(R"({{"ph":"e","cat":"fault","name":{},"id":{},{},"ts":{}}})",
                    json_text(fault_name(id)), id, where(env::TraceSink::kWorld), micros(end.ns)));
  }
  out_ << "\n]}\n";
  return counts_;
}

}  // namespace orrery::inspect
