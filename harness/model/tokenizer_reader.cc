// Tokenizer::parse(), declared in tokenizer.h.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/model/json_text.h"
#include "harness/model/tokenizer.h"

namespace orrery::model {

using nlohmann::json;

namespace {

constexpr std::uint32_t kMaxTokens = 10'000'000;
constexpr const char* kLowLine = "\xe2\x96\x81";
constexpr const char* kGpt2Expression =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

auto malformed(const std::string& what) {
  return fail(ErrorCode::kMalformed, "tokenizer: " + what);
}
auto unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "tokenizer: " + what + " is not supported");
}

// The member, or null.
const json& member(const json& object, const char* key) {
  static const json kNull;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? kNull : *found;
}
std::string text_of(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}
bool flag_of(const json& object, const char* key, bool otherwise) {
  const json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

// A list of steps: the parts of a Sequence, the thing itself, or nothing.
std::vector<json> steps_of(const json& root, const char* key, const char* list) {
  const json& value = member(root, key);
  if (value.is_null()) return {};
  if (text_of(value, "type") != "Sequence") return {value};
  const json& parts = member(value, list);
  return parts.is_array() ? parts.get<std::vector<json>>() : std::vector<json>{json::object()};
}

}  // namespace

class TokenizerReader {
 public:
  Result<Tokenizer> read(const json& root) {
    TRY(read_model(member(root, "model")));
    TRY(read_added(member(root, "added_tokens")));
    for (const json& step : steps_of(root, "normalizer", "normalizers")) TRY(read_normaliser(step));
    for (const json& step : steps_of(root, "pre_tokenizer", "pretokenizers")) TRY(read_split(step));
    for (const json& step : steps_of(root, "decoder", "decoders")) TRY(read_decoder(step));
    return std::move(out_);
  }

 private:
  Status add(const std::string& token, const json& id) {
    if (!id.is_number_unsigned() || id >= kMaxTokens) {
      return malformed(fmt::format("the id of {:?} is no count below {}", token, kMaxTokens));
    }
    const auto number = id.get<std::uint32_t>();
    if (number >= out_.texts_.size()) {
      out_.texts_.resize(number + std::size_t{1});
      used_.resize(number + std::size_t{1});
    }
    if (used_[number] && out_.texts_[number] != token) {
      return malformed(
          fmt::format("id {} belongs to {:?} and to {:?}", number, out_.texts_[number], token));
    }
    used_[number] = true;
    out_.texts_[number] = token;
    return {};
  }

  Status read_model(const json& model) {
    const std::string type = text_of(model, "type");
    if (type != "BPE" && !(type.empty() && model.contains("merges"))) {
      return unsupported(fmt::format("model type {:?}", type));
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!text_of(model, key).empty()) return unsupported(key);
    }
    const json& vocab = member(model, "vocab");
    if (!vocab.is_object()) return malformed("no vocab of tokens to ids");
    for (const auto& [token, id] : vocab.items()) {
      TRY(add(token, id));
      out_.vocab_[token] = id.get<std::uint32_t>();
    }
    out_.byte_fallback_ = flag_of(model, "byte_fallback", false);
    out_.ignore_merges_ = flag_of(model, "ignore_merges", false);
    if (const std::string unknown = text_of(model, "unk_token"); !unknown.empty()) {
      const auto found = out_.vocab_.find(unknown);
      if (found == out_.vocab_.end()) return malformed("unk_token is not in the vocab");
      out_.unknown_ = found->second;
    }
    return read_merges(member(model, "merges"));
  }

  Status read_merges(const json& merges) {
    if (!merges.is_array()) return malformed("no list of merges");
    std::uint32_t rank = 0;
    for (const json& entry : merges) {
      std::string left;
      std::string right;
      if (entry.is_string()) {
        const auto text = entry.get<std::string>();
        const std::size_t space = text.find(' ');
        if (space == std::string::npos) return malformed(fmt::format("merge {:?}", text));
        left = text.substr(0, space);
        right = text.substr(space + 1);
      } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
                 entry[1].is_string()) {
        left = entry[0].get<std::string>();
        right = entry[1].get<std::string>();
      } else {
        return malformed(fmt::format("merge {} is neither a text nor a pair", rank));
      }
      const auto a = out_.vocab_.find(left);
      const auto b = out_.vocab_.find(right);
      const auto both = out_.vocab_.find(left + right);
      if (a == out_.vocab_.end() || b == out_.vocab_.end() || both == out_.vocab_.end()) {
        return malformed(
            fmt::format("merge {} of {:?} and {:?}: not all in the vocab", rank, left, right));
      }
      const std::uint64_t key = std::uint64_t{a->second} << 32 | b->second;
      out_.merges_.insert_or_assign(key, Tokenizer::Merge{rank++, both->second});
    }
    return {};
  }

  Status read_added(const json& list) {
    if (list.is_null()) return {};
    if (!list.is_array()) return malformed("added_tokens is no list");
    for (const json& token : list) {
      const std::string content = text_of(token, "content");
      if (content.empty()) return malformed("an added token has no content");
      for (const char* key : {"lstrip", "rstrip", "single_word"}) {
        if (flag_of(token, key, false)) return unsupported(fmt::format("{} of {:?}", key, content));
      }
      TRY(add(content, member(token, "id")));
      out_.added_[content] = {token["id"].get<std::uint32_t>(), flag_of(token, "special", false)};
    }
    return {};
  }

  Status read_normaliser(const json& step) {
    const std::string type = text_of(step, "type");
    if (type == "Prepend" && text_of(step, "prepend") == kLowLine) {
      out_.prepend_ = kLowLine;
      return {};
    }
    if (type == "Replace" && text_of(member(step, "pattern"), "String") == " " &&
        text_of(step, "content") == kLowLine) {
      out_.spaces_ = true;
      return {};
    }
    return unsupported(fmt::format("normalizer {}", step.dump()));
  }

  Status read_split(const json& step) {
    const std::string type = text_of(step, "type");
    if (type == "ByteLevel") {
      out_.byte_level_ = true;
      out_.prefix_space_ = flag_of(step, "add_prefix_space", true);
      out_.split_words_ = out_.split_words_ || flag_of(step, "use_regex", true);
      return {};
    }
    if (type == "Split" && text_of(member(step, "pattern"), "Regex") == kGpt2Expression &&
        text_of(step, "behavior") == "Isolated") {
      out_.split_words_ = true;
      return {};
    }
    return unsupported(fmt::format("pre_tokenizer {}", step.dump()));
  }

  // The decoder must undo what the other parts did, which decode() does by itself.
  Status read_decoder(const json& step) {
    const std::string type = text_of(step, "type");
    if (type == "ByteLevel" || type == "ByteFallback" || type == "Fuse") return {};
    if (type == "Replace" && text_of(member(step, "pattern"), "String") == kLowLine &&
        text_of(step, "content") == " ") {
      return {};
    }
    if (type == "Strip" && text_of(step, "content") == " " && member(step, "start") == 1 &&
        member(step, "stop") == 0) {
      out_.strip_ = true;
      return {};
    }
    return unsupported(fmt::format("decoder {}", step.dump()));
  }

  Tokenizer out_;
  std::vector<bool> used_;
};

Result<Tokenizer> Tokenizer::parse(std::string_view text) {
  ASSIGN_OR_RETURN(const json root, parse_json(text, "tokenizer.json"));
  if (!root.is_object()) return malformed("not an object");
  return TokenizerReader().read(root);
}

Result<Tokenizer> Tokenizer::read(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
  auto parsed = parse(text);
  if (!parsed) return fail(parsed.error().code, path + ": " + parsed.error().message);
  return parsed;
}

}  // namespace orrery::model
