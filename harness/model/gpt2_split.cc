#include "harness/model/gpt2_split.h"

#include <algorithm>
#include <span>

#include "harness/model/unicode_tables.h"

namespace orrery::model {
namespace {

bool in(std::span<const CodeRange> ranges, std::uint32_t code) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](std::uint32_t c, const CodeRange& r) { return c < r.first; });
  return after != ranges.begin() && code <= std::prev(after)->last;
}

enum class Kind : std::uint8_t { kLetter, kNumber, kSpace, kOther };

Kind kind_of(std::uint32_t code) {
  if (in(letter_ranges(), code)) return Kind::kLetter;
  if (in(number_ranges(), code)) return Kind::kNumber;
  return in(space_ranges(), code) ? Kind::kSpace : Kind::kOther;
}

// Bytes of the characters of one kind at the start; `last` are those of the last of them.
std::size_t run_of(Kind kind, std::string_view text, std::size_t& last) {
  std::size_t n = 0;
  while (n < text.size()) {
    const Character c = next_character(text.substr(n));
    if (kind_of(c.code) != kind) break;
    last = c.bytes;
    n += c.bytes;
  }
  return n;
}

std::size_t word_length(std::string_view text) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.starts_with(ending)) return ending.size();
  }
  std::size_t last = 0;
  const std::size_t space = text.starts_with(' ') ? 1 : 0;
  if (space < text.size()) {
    const std::string_view rest = text.substr(space);
    const Kind kind = kind_of(next_character(rest).code);
    if (kind != Kind::kSpace) return space + run_of(kind, rest, last);
  }
  // White space before a word leaves its last character to the word.
  const std::size_t spaces = run_of(Kind::kSpace, text, last);
  const bool at_end = spaces == text.size();
  return at_end || spaces == last ? spaces : spaces - last;
}

}  // namespace

Character next_character(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::uint32_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const Character invalid{kNoCharacter + lead, 1};
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return invalid;
  std::uint32_t code = lead & (0xffu >> (length + 1));
  for (std::uint32_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return invalid;
    code = code << 6 | (at(i) & 0x3fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[length] || code >= kNoCharacter || surrogate) return invalid;
  return {code, length};
}

std::string utf8(std::uint32_t code) {
  std::string out;
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return out;
}

std::vector<std::string_view> gpt2_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    words.push_back(text.substr(0, word_length(text)));
    text.remove_prefix(words.back().size());
  }
  return words;
}

}  // namespace orrery::model
