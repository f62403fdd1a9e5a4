#include "harness/model/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <queue>
#include <tuple>

#include "harness/model/gpt2_split.h"

namespace orrery::model {
namespace {

constexpr std::string_view kLowLine = "\xe2\x96\x81";  // "▁"

// GPT-2 spells each byte as a printable character: itself where it is one, else from U+0100 on.
std::uint32_t spelling_of(std::uint8_t byte) {
  const auto printable = [](std::uint32_t b) {
    return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
  };
  if (printable(byte)) return byte;
  std::uint32_t before = 0;
  for (std::uint32_t b = 0; b < byte; ++b) before += printable(b) ? 0u : 1u;
  return 0x100 + before;
}

std::string spell_bytes(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += utf8(spelling_of(static_cast<std::uint8_t>(c)));
  return out;
}

// The bytes that a byte-level token stands for; characters that spell none stand for themselves.
std::string unspell(std::string_view token) {
  std::array<std::int32_t, 0x144> byte_of;
  byte_of.fill(-1);
  for (std::uint32_t b = 0; b < 256; ++b) {
    byte_of[spelling_of(static_cast<std::uint8_t>(b))] = static_cast<std::int32_t>(b);
  }
  std::string out;
  while (!token.empty()) {
    const Character c = next_character(token);
    if (c.code < byte_of.size() && byte_of[c.code] >= 0) {
      out += static_cast<char>(byte_of[c.code]);
    } else {
      out += token.substr(0, c.bytes);
    }
    token.remove_prefix(c.bytes);
  }
  return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (true) {
    const std::size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += to;
    text.remove_prefix(at + from.size());
  }
}

// <0x41> -> 'A'; -1 for other tokens.
int byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

}  // namespace

std::optional<std::uint32_t> Tokenizer::added(const std::string& content) const {
  const auto found = added_.find(content);
  if (found == added_.end()) return std::nullopt;
  return found->second.id;
}

Result<std::vector<std::uint32_t>> Tokenizer::encode(std::string_view text) const {
  std::vector<std::uint32_t> out;
  std::size_t plain = 0;
  for (std::size_t at = 0; at < text.size() && !added_.empty();) {
    // In descending order the first match is the longest: a prefix sorts before what it begins.
    const auto match = std::find_if(added_.begin(), added_.end(), [&](const auto& token) {
      return text.substr(at).starts_with(token.first);
    });
    if (match == added_.end()) {
      ++at;
      continue;
    }
    TRY(encode_plain(text.substr(plain, at - plain), out));
    out.push_back(match->second.id);
    at += match->first.size();
    plain = at;
  }
  TRY(encode_plain(text.substr(plain), out));
  return out;
}

std::string Tokenizer::normalised(std::string_view text) const {
  std::string out = prepend_ + std::string(text);
  return spaces_ ? replace_all(out, " ", kLowLine) : out;
}

Status Tokenizer::encode_plain(std::string_view text, std::vector<std::uint32_t>& out) const {
  if (text.empty()) return {};
  if (!byte_level_) return encode_word(normalised(text), out);
  std::string spaced;
  if (prefix_space_ && !text.starts_with(' ')) {
    spaced = " " + std::string(text);
    text = spaced;
  }
  if (!split_words_) return encode_word(spell_bytes(text), out);
  for (const std::string_view word : gpt2_words(text)) TRY(encode_word(spell_bytes(word), out));
  return {};
}

Status Tokenizer::encode_word(std::string_view word, std::vector<std::uint32_t>& out) const {
  if (ignore_merges_) {
    if (const auto whole = vocab_.find(std::string(word)); whole != vocab_.end()) {
      out.push_back(whole->second);
      return {};
    }
  }
  std::vector<std::uint32_t> symbols;
  TRY(initial_symbols(word, symbols));
  merge(symbols);
  out.insert(out.end(), symbols.begin(), symbols.end());
  return {};
}

Status Tokenizer::initial_symbols(std::string_view word, std::vector<std::uint32_t>& out) const {
  while (!word.empty()) {
    const std::string_view character = word.substr(0, next_character(word).bytes);
    word.remove_prefix(character.size());
    if (const auto known = vocab_.find(std::string(character)); known != vocab_.end()) {
      out.push_back(known->second);
      continue;
    }
    const std::size_t before = out.size();
    for (const char c : character) {
      if (!byte_fallback_) break;
      const auto byte = vocab_.find(fmt::format("<0x{:02X}>", static_cast<std::uint8_t>(c)));
      if (byte == vocab_.end()) break;
      out.push_back(byte->second);
    }
    if (out.size() == before + character.size()) continue;
    out.resize(before);
    if (!unknown_) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("the tokenizer has no token for {:?}", character));
    }
    out.push_back(*unknown_);
  }
  return {};
}

// Lowest rank first, leftmost among equals; a heap of candidate pairs over a linked list.
void Tokenizer::merge(std::vector<std::uint32_t>& symbols) const {
  struct Candidate {
    std::uint32_t rank;
    std::uint32_t at;    // index of the left symbol
    std::uint32_t left;  // what the symbols were when this was found
    std::uint32_t right;
    std::uint32_t result;
    bool operator>(const Candidate& o) const { return std::tie(rank, at) > std::tie(o.rank, o.at); }
  };
  constexpr std::uint32_t kNone = UINT32_MAX;
  const auto n = static_cast<std::uint32_t>(symbols.size());
  std::vector<std::uint32_t> next(n);
  std::vector<std::uint32_t> previous(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    next[i] = i + 1 < n ? i + 1 : kNone;
    previous[i] = i > 0 ? i - 1 : kNone;
  }
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](std::uint32_t at) {
    if (at == kNone || next[at] == kNone) return;
    const std::uint32_t left = symbols[at];
    const std::uint32_t right = symbols[next[at]];
    const auto found = merges_.find(std::uint64_t{left} << 32 | right);
    if (found != merges_.end()) {
      queue.push({found->second.rank, at, left, right, found->second.result});
    }
  };
  for (std::uint32_t i = 0; i < n; ++i) consider(i);
  while (!queue.empty()) {
    const Candidate c = queue.top();
    queue.pop();
    const bool stale =
        symbols[c.at] != c.left || next[c.at] == kNone || symbols[next[c.at]] != c.right;
    if (stale) continue;
    const std::uint32_t gone = next[c.at];
    symbols[c.at] = c.result;
    symbols[gone] = kNone;
    next[c.at] = next[gone];
    if (next[gone] != kNone) previous[next[gone]] = c.at;
    consider(previous[c.at]);
    consider(c.at);
  }
  std::erase(symbols, kNone);
}

std::string Tokenizer::decode(std::span<const std::uint32_t> ids) const {
  std::string out;
  for (const std::uint32_t id : ids) {
    if (id >= texts_.size()) continue;
    const std::string& text = texts_[id];
    if (const auto special = added_.find(text); special != added_.end()) {
      if (!special->second.special) out += text;
      continue;
    }
    const int byte = byte_fallback_ ? byte_of_token(text) : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
    } else if (byte_level_) {
      out += unspell(text);
    } else {
      out += spaces_ ? replace_all(text, kLowLine, " ") : text;
    }
  }
  if (strip_ && out.starts_with(' ')) out.erase(0, 1);
  return out;
}

}  // namespace orrery::model
