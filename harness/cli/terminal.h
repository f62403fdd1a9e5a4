// What people see on standard error: colours on a terminal only, NO_COLOR obeyed, a progress bar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/time.h"

namespace orrery::cli {

enum class Colour { kPlain, kBold, kGreen, kRed, kYellow, kDim };

// `text` in that colour if standard error is a terminal and NO_COLOR is not set.
std::string paint(Colour colour, std::string_view text);

// A line to standard error.
void say(std::string_view line);
// "error: ..." to standard error.
void complain(std::string_view message);

// One line, redrawn in place; nothing off a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar() { clear(); }
  void update(Time now, Time until, std::uint64_t events);
  void clear();

 private:
  std::string label_;
  bool shown_ = false;
};

// "swarm: 120 seeds, 2 failed", redrawn in place on a terminal and nothing elsewhere.
void show_count(std::string_view what, std::uint64_t done, std::uint64_t of_them,
                std::string_view unit, std::string_view kind);
void clear_count();

// "1 h 0 min", "12.5 s".
std::string human_duration(double seconds);
// 2,027,091
std::string human_count(std::uint64_t count);

}  // namespace orrery::cli
