#include "harness/model/stop_texts.h"

#include <algorithm>
#include <utility>

namespace orrery::model {

StopTexts::StopTexts(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& s) { return s.empty(); });
}

std::string StopTexts::feed(std::string_view piece) {
  if (stopped_) return {};
  held_ += piece;
  std::size_t cut = 0;
  std::size_t end = std::string::npos;  // of the stop text that is whole first
  std::size_t keep = held_.size();
  for (const std::string& stop : stops_) {
    const std::size_t at = held_.find(stop);
    if (at != std::string::npos && std::pair(at + stop.size(), at) < std::pair(end, cut)) {
      cut = at;
      end = at + stop.size();
    }
    const std::string_view held(held_);
    const std::size_t longest = std::min(stop.size() - 1, held.size());
    for (std::size_t n = longest; n > 0; --n) {
      if (!held.ends_with(std::string_view(stop).substr(0, n))) continue;
      keep = std::min(keep, held.size() - n);
      break;
    }
  }
  stopped_ = end != std::string::npos;
  const std::size_t certain = stopped_ ? cut : keep;
  std::string out = held_.substr(0, certain);
  held_.erase(0, stopped_ ? held_.size() : certain);
  return out;
}

std::string StopTexts::rest() { return std::exchange(held_, {}); }

}  // namespace orrery::model
