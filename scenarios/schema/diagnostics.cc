#include "scenarios/schema/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace orrery::scenario {

std::string format(const Diagnostic& d) {
  std::string out = fmt::format("{}:{}:{}: ", d.file, d.line, d.column);
  if (!d.path.empty()) out += d.path + ": ";
  out += d.message;
  if (!d.hint.empty()) out += " (" + d.hint + ")";
  return out;
}

std::uint32_t Diagnostics::add_file(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<std::uint32_t>(files_.size() - 1);
}

void Diagnostics::add(Mark mark, std::string path, std::string message, std::string hint) {
  if (items_.size() >= kMaxDiagnostics) return;
  items_.push_back({mark,
                    {.file = mark.file < files_.size() ? files_[mark.file] : std::string("<input>"),
                     .line = std::max(mark.line, 1),
                     .column = std::max(mark.column, 1),
                     .path = std::move(path),
                     .message = std::move(message),
                     .hint = std::move(hint)}});
}

std::vector<Diagnostic> Diagnostics::take() {
  // Stages find problems in their own order; people read a file from the top.
  std::stable_sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    return std::tie(a.mark.file, a.mark.line, a.mark.column) <
           std::tie(b.mark.file, b.mark.line, b.mark.column);
  });
  std::vector<Diagnostic> out;
  for (Item& item : items_) out.push_back(std::move(item.diagnostic));
  items_.clear();
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the optimal string alignment table: two back, previous, current.
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::string suggest(std::string_view given, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestCompared = 64;  // the distance table is quadratic
  if (known.empty()) return {};
  if (given.size() <= kLongestCompared) {
    const std::string* best = nullptr;
    std::size_t best_distance = 0;
    for (const std::string& candidate : known) {
      const std::size_t distance = edit_distance(given, candidate);
      if (best == nullptr || distance < best_distance) {
        best = &candidate;
        best_distance = distance;
      }
    }
    const std::size_t near = std::max<std::size_t>(1, std::min(given.size(), best->size()) / 2);
    if (best_distance <= near) return fmt::format("did you mean '{}'?", *best);
  }
  constexpr std::size_t kMaxListed = 24;
  if (known.size() > kMaxListed) return {};
  return fmt::format("one of: {}", fmt::join(known, ", "));
}

std::string join_path(const std::string& parent, std::string_view child) {
  return parent.empty() ? std::string(child) : fmt::format("{}.{}", parent, child);
}

}  // namespace orrery::scenario
