#include "harness/testnet/rpc/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/ensure.h"
#include "reports/record/text.h"

namespace orrery::testnet {
namespace {

using Node = nlohmann::json;

const Node& node_of(const void* node) { return *static_cast<const Node*>(node); }

// Before parsing, so that a megabyte of brackets costs one pass and no tree.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > JsonDocument::kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

template <class Members>
Json write_object(const Members& members) {
  std::string out = "{";
  for (const Member& member : members) {
    if (out.size() > 1) out += ',';
    out += Json(member.first).text + ':' + member.second.text;
  }
  return Json::raw(out + '}');
}

}  // namespace

Json::Json(std::string_view value)
    : text(Node(report::is_utf8(value) ? std::string(value) : report::to_utf8(value)).dump()) {}

Json Json::real(double value) { return raw(Node(value).dump()); }

Json object(std::initializer_list<Member> members) { return write_object(members); }
Json object(const std::vector<Member>& members) { return write_object(members); }

Json array(const std::vector<Json>& items) {
  std::string out = "[";
  for (const Json& item : items) {
    if (out.size() > 1) out += ',';
    out += item.text;
  }
  return Json::raw(out + ']');
}

bool JsonView::is_object() const { return node_ && node_of(node_).is_object(); }
bool JsonView::is_array() const { return node_ && node_of(node_).is_array(); }
bool JsonView::is_null() const { return node_ && node_of(node_).is_null(); }
bool JsonView::is_scalar() const { return node_ && node_of(node_).is_primitive(); }

std::size_t JsonView::size() const { return is_array() ? node_of(node_).size() : 0; }

JsonView JsonView::at(std::size_t index) const {
  return index < size() ? JsonView(&node_of(node_)[index]) : JsonView();
}

JsonView JsonView::member(std::string_view name) const {
  if (!is_object()) return {};
  const auto it = node_of(node_).find(std::string(name));
  return it == node_of(node_).end() ? JsonView() : JsonView(&*it);
}

std::optional<std::string> JsonView::text() const {
  if (!node_ || !node_of(node_).is_string()) return std::nullopt;
  return node_of(node_).get<std::string>();
}

std::optional<std::uint64_t> JsonView::u64() const {
  if (!node_ || !node_of(node_).is_number_unsigned()) return std::nullopt;
  return node_of(node_).get<std::uint64_t>();
}

std::optional<double> JsonView::real() const {
  if (!node_ || !node_of(node_).is_number()) return std::nullopt;
  return node_of(node_).get<double>();
}

std::optional<bool> JsonView::boolean() const {
  if (!node_ || !node_of(node_).is_boolean()) return std::nullopt;
  return node_of(node_).get<bool>();
}

Json JsonView::copy() const {
  ENSURE(is_scalar(), "only scalars are copied: their depth is known");
  return Json::raw(node_of(node_).dump());
}

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  if (too_deep(text)) return fail(ErrorCode::kMalformed, "JSON of too many levels");
  auto parsed = std::make_shared<Node>(Node::parse(text, nullptr, false));
  if (parsed->is_discarded()) return fail(ErrorCode::kMalformed, "not JSON");
  JsonDocument document;
  document.node_ = std::move(parsed);
  return document;
}

}  // namespace orrery::testnet
