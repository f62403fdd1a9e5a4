// One function a verb; main.cc parses the command line into these options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery::cli {

// What selects and changes a scenario, shared by several verbs.
struct ScenarioArgs {
  std::string file;
  std::vector<std::string> set;  // key=value
  std::optional<std::uint64_t> seed;
};

struct RunArgs {
  ScenarioArgs scenario;
  std::string out;       // run directory; empty: out/<name>/<time>-<seed>
  std::string until;     // stop earlier, such as 10m
  bool json = false;
  bool quiet = false;
  bool no_memo = false;
  bool no_report = false;
  unsigned threads = 1;
  std::string log;       // debug info warn error; empty: none
  bool trace = false;    // write trace.json
  // Several futures from one instant: see run_fork.cc.
  std::string fork_at;                // virtual time; empty: one future
  std::vector<std::string> variants;  // name: as-is, seed=7, or a fault as in a timeline
  std::string variants_file;
  unsigned jobs = 0;                  // futures side by side; 0: one a core
};
int run_command(const RunArgs& args);

struct CheckArgs {
  std::vector<std::string> files;
  std::vector<std::string> set;
  bool json = false;
};
int check_command(const CheckArgs& args);

struct ShowArgs {
  ScenarioArgs scenario;
  bool resolved = false;
  bool json = false;
};
int show_command(const ShowArgs& args);

struct ListArgs {
  std::string what = "scenarios";  // scenarios metrics behaviours invariants points
  bool json = false;
};
int list_command(const ListArgs& args);

struct NewArgs {
  std::string dir;
  std::string model = "minimal";  // template
  bool json = false;
};
int new_command(const NewArgs& args);

struct ReplayArgs {
  std::string run;
  std::string to;                       // a time or the number of an event; empty: the end
  std::string node;                     // whose state is told; empty: all, in short
  std::vector<std::string> conditions;  // see harness/inspect/condition.h
  bool json = false;
};
int replay_command(const ReplayArgs& args);

struct TraceArgs {
  std::string run;
  std::string out;    // empty: trace.json in the run directory
  std::string from;   // virtual times; empty: the run's own
  std::string to;
  std::string nodes;  // a selector; empty: all
  std::uint64_t max_rows = 4'000'000;
  bool json = false;
};
int trace_command(const TraceArgs& args);

struct DiffArgs {
  std::string a;
  std::string b;
  bool json = false;
};
int diff_command(const DiffArgs& args);

struct ReportArgs {
  std::vector<std::string> runs;
  std::string html;
  std::string markdown;
  bool json = false;
};
int report_command(const ReportArgs& args);

struct SchemaArgs {
  bool json = false;  // the default; accepted as everywhere
  bool markdown = false;
};
int schema_command(const SchemaArgs& args);

struct DoctorArgs {
  bool json = false;
};
int doctor_command(const DoctorArgs& args);

}  // namespace orrery::cli
