// What is wrong with a scenario file, and where. A Diagnostics value collects problems while one
// load runs; the caller of load_file gets them as plain Diagnostic values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::scenario {

// A place in a file; lines and columns count from 1.
struct Diagnostic {
  std::string file;
  int line = 1;
  int column = 1;
  std::string path;     // key path such as groups.workers.stake; empty for the whole file
  std::string message;  // what was expected and what came
  std::string hint;     // "did you mean 'x'?", the allowed values, or empty
};

// "file:line:column: path: message (hint)".
std::string format(const Diagnostic& diagnostic);

// Position inside one of the files of a load.
struct Mark {
  std::uint32_t file = 0;  // index into Diagnostics' list of files
  int line = 1;
  int column = 1;
};

// Collector of one load. Bounded: after kMaxDiagnostics further problems are dropped, because a
// broken file can otherwise produce one for each of its bytes.
class Diagnostics {
 public:
  static constexpr std::size_t kMaxDiagnostics = 100;

  std::uint32_t add_file(std::string name);
  void add(Mark mark, std::string path, std::string message, std::string hint = {});
  bool empty() const { return items_.empty(); }
  // In reading order: files as they were added, then lines and columns.
  std::vector<Diagnostic> take();

 private:
  struct Item {
    Mark mark;
    Diagnostic diagnostic;
  };
  std::vector<std::string> files_;
  std::vector<Item> items_;
};

// Edit distance with adjacent transpositions.
std::size_t edit_distance(std::string_view a, std::string_view b);

// "did you mean 'x'?" for the nearest of `known`, or, if nothing is near, "one of: a, b, c".
std::string suggest(std::string_view given, const std::vector<std::string>& known);

// The path of an element below `parent`: "parent.child", or "child" at the top.
std::string join_path(const std::string& parent, std::string_view child);

}  // namespace orrery::scenario
