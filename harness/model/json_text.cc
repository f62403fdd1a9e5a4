#include "harness/model/json_text.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

namespace orrery::model {
namespace {

using nlohmann::json;
constexpr int kMaxDepth = 64;

}  // namespace

Result<json> parse_json(std::string_view text, const std::string& what) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  std::string problem;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth && problem.empty()) problem = "it is nested too deep";
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && problem.empty()) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) problem = fmt::format("the key {:?} comes twice", key);
    }
    return true;
  };
  json value = json::parse(text.begin(), text.end(), watch, false);
  if (value.is_discarded()) problem = "it is not JSON";
  if (problem.empty()) return value;
  return fail(ErrorCode::kMalformed, fmt::format("{}: {}", what, problem));
}

Result<std::string> read_text_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, fmt::format("cannot open {}", path));
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || !text) return fail(ErrorCode::kIo, fmt::format("cannot read {}", path));
  return std::move(text).str();
}

}  // namespace orrery::model
