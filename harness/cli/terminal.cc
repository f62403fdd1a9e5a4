#include "harness/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "reports/record/amount.h"

namespace orrery::cli {
namespace {

constexpr int kBarWidth = 32;

bool colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) && (no_color == nullptr || *no_color == '\0');
}

const char* code(Colour colour) {
  switch (colour) {
    case Colour::kBold: return "\x1b[1m";
    case Colour::kGreen: return "\x1b[32m";
    case Colour::kRed: return "\x1b[31m";
    case Colour::kYellow: return "\x1b[33m";
    case Colour::kDim: return "\x1b[2m";
    case Colour::kPlain: break;
  }
  return "";
}

}  // namespace

std::string paint(Colour colour, std::string_view text) {
  if (colour == Colour::kPlain || !colours()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code(colour), text);
}

void say(std::string_view line) { fmt::print(stderr, "{}\n", line); }

void complain(std::string_view message) {
  say(fmt::format("{} {}", paint(Colour::kRed, "error:"), message));
}

ProgressBar::ProgressBar(std::string label) : label_(std::move(label)) {}

void ProgressBar::update(Time now, Time until, std::uint64_t events) {
  if (!isatty(STDERR_FILENO)) return;
  const double share =
      until.ns > 0 ? static_cast<double>(now.ns) / static_cast<double>(until.ns) : 1;
  const int filled = std::clamp(static_cast<int>(share * kBarWidth), 0, kBarWidth);
  std::string bar(static_cast<std::size_t>(filled), '#');
  bar.resize(kBarWidth, '.');
  fmt::print(stderr, "\r{} [{}] {:3.0f} %  t+{}  {} events ", label_, bar, share * 100,
             human_duration(static_cast<double>(now.ns) / 1e9), human_count(events));
  std::fflush(stderr);
  shown_ = true;
}

void ProgressBar::clear() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

void show_count(std::string_view what, std::uint64_t done, std::uint64_t of_them,
                std::string_view unit, std::string_view kind) {
  if (!isatty(STDERR_FILENO)) return;
  fmt::print(stderr, "\r{}: {} {}, {} {} ", what, human_count(done), unit, human_count(of_them),
             kind);
  std::fflush(stderr);
}

void clear_count() {
  if (isatty(STDERR_FILENO)) fmt::print(stderr, "\r\x1b[K");
}

std::string human_duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.4g} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string human_count(std::uint64_t count) {
  return report::group_digits(std::to_string(count));
}

}  // namespace orrery::cli
