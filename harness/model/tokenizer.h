// Byte-pair tokenizers from tokenizer.json of the transformers library: byte-level (GPT-2) and
// Llama's, with "▁" for spaces and bytes as a last resort.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"

namespace orrery::model {

class Tokenizer {
 public:
  // kMalformed: not such a file, or one that contradicts itself (a merge of unknown tokens, an id
  // twice). kUnsupported: a part that this reader does not know, by name; nothing is skipped except
  // the post-processor, which only adds special tokens around a text.
  static Result<Tokenizer> parse(std::string_view json);
  static Result<Tokenizer> read(const std::string& path);

  // Ids of a text, without special tokens around it; added tokens that occur in it are recognised.
  // kMalformed if a character is neither in the vocabulary nor has bytes or an unknown token.
  Result<std::vector<std::uint32_t>> encode(std::string_view text) const;
  // Ids that are not in the vocabulary give nothing. Special tokens are left out.
  std::string decode(std::span<const std::uint32_t> ids) const;

  // One more than the largest id.
  std::uint32_t size() const { return static_cast<std::uint32_t>(texts_.size()); }
  // Id of an added token such as "<s>"; nothing if there is none.
  std::optional<std::uint32_t> added(const std::string& content) const;

 private:
  struct Merge {
    std::uint32_t rank;
    std::uint32_t result;
  };
  struct AddedToken {
    std::uint32_t id;
    bool special;
  };

  friend class TokenizerReader;

  Status encode_plain(std::string_view text, std::vector<std::uint32_t>& out) const;
  Status encode_word(std::string_view word, std::vector<std::uint32_t>& out) const;
  Status initial_symbols(std::string_view word, std::vector<std::uint32_t>& out) const;
  void merge(std::vector<std::uint32_t>& symbols) const;
  std::string normalised(std::string_view text) const;

  std::unordered_map<std::string, std::uint32_t> vocab_;
  std::vector<std::string> texts_;                   // by id
  std::unordered_map<std::uint64_t, Merge> merges_;  // left id << 32 | right id
  std::map<std::string, AddedToken, std::greater<>> added_;
  std::string prepend_;  // Llama: "▁" before a text
  bool spaces_ = false;  // Llama: "▁" for each space
  bool byte_level_ = false;
  bool split_words_ = false;  // byte-level: by GPT-2's expression
  bool prefix_space_ = false;
  bool byte_fallback_ = false;
  bool ignore_merges_ = false;
  bool strip_ = false;  // decoding: no space at the start
  std::optional<std::uint32_t> unknown_;
};

}  // namespace orrery::model
