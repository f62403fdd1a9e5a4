// Cutting texts into words as GPT-2's expression does:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

// One UTF-8 character from the start of a text that is not empty. A byte that begins none is a
// character of its own with a code beyond Unicode, so any bytes can be cut.
struct Character {
  std::uint32_t code;
  std::uint32_t bytes;
};
inline constexpr std::uint32_t kNoCharacter = 0x110000;
Character next_character(std::string_view text);
std::string utf8(std::uint32_t code);

// The words, which joined give the text.
std::vector<std::string_view> gpt2_words(std::string_view text);

}  // namespace orrery::model
