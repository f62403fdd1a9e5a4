// A run as a file for the Perfetto viewer (ui.perfetto.dev) and chrome://tracing, in the JSON
// "Trace Event Format": a process is a group, a thread is a node, a slice is the execution of a
// handler, an arrow is a message, and faults and finality are marks. Virtual time is the time axis.
//
// Every arrow that begins ends, or a mark tells that the message was lost or not heard by the end
// of the window. Written as the run goes on; what is kept is the messages under way.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/env/trace.h"
#include "engine/sim/watch.h"
#include "scenarios/schema/scenario.h"

namespace orrery::inspect {

struct TraceWindow {
  Time from{};
  Time to = kNever;         // inclusive
  std::vector<bool> nodes;  // by node; empty: all. Messages are shown between nodes that are
  std::uint64_t max_rows = 4'000'000;  // a viewer in a browser takes about half a gigabyte
};

struct TraceCounts {
  std::uint64_t rows = 0, slices = 0, flows = 0, lost = 0, unheard = 0, marks = 0;
  bool cut = false;  // max_rows was reached: the rest of the window is left out
};

class TraceFile final : public sim::Watcher, public env::TraceSink {
 public:
  // All outlive the file.
  TraceFile(std::ostream& out, const scenario::Scenario& scenario, TraceWindow window);
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  // Ends the file; once. `now`: where the run stopped.
  TraceCounts finish(Time now);

  void on_sent(const sim::Sent& sent) override;
  void on_lost(Time now, std::uint32_t from, std::uint64_t number) override;
  void on_renumbered(std::uint32_t from, std::uint64_t number, std::uint64_t next) override;
  void on_handled(Time now, const sim::EventKey& key, const env::Event& event,
                  Duration cost) override;
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;

 private:
  struct Flow {
    std::uint64_t id;
    std::string_view name;
    std::uint32_t to;
  };
  using Message = std::pair<std::uint32_t, std::uint64_t>;  // sender and number

  void name_tracks();
  bool shown(std::uint32_t node) const { return window_.nodes.empty() || window_.nodes[node]; }
  bool inside(Time now) const { return now >= window_.from && now <= window_.to; }
  bool may_begin(Time now);  // something new, that is: not the end of what has begun
  void row(const std::string& text);
  void end_flow(Time now, std::map<Message, Flow>::iterator flow, const char* fate);
  void mark(Time now, std::uint32_t node, std::string_view name, const std::string& args);
  void fault(Time now, const env::TraceEvent& event);
  std::string fault_name(std::uint64_t id) const;
  void fault_row(Time now, std::uint64_t id, bool begins);
  std::string where(std::uint32_t node) const;  // pid and tid of a node's track

  std::ostream& out_;
  const scenario::Scenario& scenario_;
  TraceWindow window_;
  std::vector<std::string> groups_;  // a process each
  std::vector<std::uint32_t> group_of_;
  std::map<Message, Flow> open_;
  std::set<std::uint64_t> faults_;  // running
  bool opened_ = false;             // the window has begun
  std::uint64_t next_flow_ = 1;
  std::uint64_t final_height_ = 0;
  TraceCounts counts_;
};

}  // namespace orrery::inspect
