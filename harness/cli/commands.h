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
  std::string what = "scenarios";  // scenarios metrics behaviours invariants
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
  bool json = false;
};
int replay_command(const ReplayArgs& args);

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
