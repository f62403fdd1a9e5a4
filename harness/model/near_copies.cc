#include "harness/model/near_copies.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include "engine/base/random.h"

namespace orrery::model {
namespace {

constexpr std::size_t kBands = 128;
constexpr std::size_t kBandRows = 2;
constexpr std::size_t kLetters =
    9;  // of a run: longer than most words, so that it tells their order

std::string normalised(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

using Words = std::vector<std::uint64_t>;  // hashes

Words hashes_of(const std::vector<std::string_view>& words) {
  Words out;
  for (const std::string_view word : words) out.push_back(stream_id(word));
  return out;
}

// Words of the longest common subsequence.
std::size_t common_in_order(const Words& a, const Words& b) {
  std::vector<std::size_t> above(b.size() + 1), here(b.size() + 1);
  for (const std::uint64_t word : a) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      here[j + 1] = word == b[j] ? above[j] + 1 : std::max(above[j + 1], here[j]);
    }
    std::swap(above, here);
  }
  return above.back();
}

bool alike(const Words& a, const Words& b) {
  const auto [few, many] = std::minmax({a.size(), b.size()});
  if (5 * few < 3 * many) return false;
  return 5 * common_in_order(a, b) >= 3 * many;
}

// Union by lower index, so a root is the first of its set.
class Sets {
 public:
  explicit Sets(std::size_t n) : parent_(n) {
    std::iota(parent_.begin(), parent_.end(), std::uint32_t{0});
  }
  std::uint32_t root(std::uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::uint32_t a, std::uint32_t b) {
    const auto [low, high] = std::minmax({root(a), root(b)});
    parent_[high] = low;
  }

 private:
  std::vector<std::uint32_t> parent_;
};

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::vector<std::uint64_t> shingles_of(std::string_view text, std::size_t letters) {
  const std::string plain = normalised(text);
  const std::string_view view(plain);
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i == 0 || i + letters <= view.size(); ++i) {
    out.push_back(mix64(stream_id(view.substr(i, letters)), 0));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::size_t common(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  std::size_t count = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++count;
    const bool step_a = a[i] <= b[j];
    const bool step_b = b[j] <= a[i];
    i += step_a;
    j += step_b;
  }
  return count;
}

std::vector<std::uint32_t> first_of_equals(std::span<const Document> documents) {
  std::map<std::string_view, std::uint32_t> first;
  std::vector<std::uint32_t> out;
  for (const Document& d : documents) {
    const auto here = static_cast<std::uint32_t>(out.size());
    out.push_back(first.try_emplace(d.text, here).first->second);
  }
  return out;
}

std::vector<std::uint32_t> first_of_copies(std::span<const Document> documents) {
  const auto n = static_cast<std::uint32_t>(documents.size());
  std::vector<std::vector<std::uint64_t>> shingles;
  std::vector<Words> words;
  for (const Document& d : documents) {
    shingles.push_back(shingles_of(d.text, kLetters));
    words.push_back(hashes_of(words_of(normalised(d.text))));
  }
  Sets sets(n);
  for (std::size_t band = 0; band < kBands; ++band) {
    std::map<std::uint64_t, std::vector<std::uint32_t>> alike_here;
    for (std::uint32_t i = 0; i < n; ++i) {
      std::uint64_t key = 0;
      for (std::size_t row = 0; row < kBandRows; ++row) {
        std::uint64_t least = ~std::uint64_t{0};
        for (const std::uint64_t s : shingles[i]) {
          least = std::min(least, mix64(s, band * kBandRows + row + 1));
        }
        key = mix64(key, least);
      }
      alike_here[key].push_back(i);
    }
    for (const auto& [key, members] : alike_here) {
      const std::size_t against = members.size() > kMaxBandPairs ? 1 : members.size();
      for (std::size_t a = 0; a < against; ++a) {
        for (std::size_t b = a + 1; b < members.size(); ++b) {
          if (sets.root(members[a]) == sets.root(members[b])) continue;
          if (alike(words[members[a]], words[members[b]])) sets.join(members[a], members[b]);
        }
      }
    }
  }
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < n; ++i) out.push_back(sets.root(i));
  return out;
}

}  // namespace orrery::model
