// JSON as the RPC server needs it: answers are written as text at once, requests are read through a
// view. The one place of the server that knows the JSON library is json.cc.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace orrery::testnet {

// A finished JSON text. Integers above 2^53 and amounts go out as decimal strings: JavaScript's
// numbers would round them.
struct Json {
  Json(std::nullptr_t) : text("null") {}
  Json(bool value) : text(value ? "true" : "false") {}
  template <std::integral Integer>
  Json(Integer value) : text(std::to_string(value)) {}
  Json(std::string_view value);  // bytes that are not UTF-8 become U+FFFD
  Json(const std::string& value) : Json(std::string_view(value)) {}
  Json(const char* value) : Json(std::string_view(value)) {}
  static Json raw(std::string json) {
    Json made(nullptr);
    made.text = std::move(json);
    return made;
  }
  static Json real(double value);  // null unless finite

  std::string text;
};

using Member = std::pair<std::string_view, Json>;
Json object(std::initializer_list<Member> members);
Json object(const std::vector<Member>& members);
Json array(const std::vector<Json>& items);

// A value inside a JsonDocument, or none. Valid while the document lives.
class JsonView {
 public:
  JsonView() = default;
  explicit operator bool() const { return node_ != nullptr; }
  bool is_object() const;
  bool is_array() const;
  bool is_null() const;
  bool is_scalar() const;  // text, number, truth value or null

  // Items of an array; 0 for anything else.
  std::size_t size() const;
  JsonView at(std::size_t index) const;
  // Nothing if this is no object or has no such member.
  JsonView member(std::string_view name) const;

  // Nothing if the value is absent or of another kind.
  std::optional<std::string> text() const;
  std::optional<std::uint64_t> u64() const;
  std::optional<double> real() const;
  std::optional<bool> boolean() const;
  Json copy() const;  // of a scalar, with its JSON type

 private:
  friend class JsonDocument;
  explicit JsonView(const void* node) : node_(node) {}
  const void* node_ = nullptr;
};

class JsonDocument {
 public:
  static constexpr int kMaxDepth = 32;  // our deepest request has four levels

  // kMalformed unless `text` is one JSON value in UTF-8 of at most kMaxDepth levels.
  static Result<JsonDocument> parse(std::string_view text);
  JsonView root() const { return JsonView(node_.get()); }

 private:
  std::shared_ptr<const void> node_;  // shared_ptr: it knows how to delete a type we do not name
};

}  // namespace orrery::testnet
