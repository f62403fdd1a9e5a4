#include "scenarios/schema/yaml_text.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace orrery::scenario {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLine = 88;  // columns that a map on one line may take

bool is_plain(const Json& value) { return !value.is_structured(); }

bool fits_one_line(const Json& value) {
  return std::all_of(value.begin(), value.end(), is_plain) && value.dump().size() <= kLine;
}

void emit(YAML::Emitter& out, const Json& value, bool in_list) {
  if (value.is_object()) {
    if (in_list && fits_one_line(value)) out << YAML::Flow;
    out << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, item, false);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    if (fits_one_line(value)) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const Json& item : value) emit(out, item, true);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    out << value.get<std::string>();
  } else if (value.is_boolean()) {
    out << value.get<bool>();
  } else {
    out << value.dump();
  }
}

}  // namespace

std::string yaml_text(const std::string& document, const std::string& comment) {
  std::string text;
  for (std::size_t begin = 0; begin < comment.size();) {
    const std::size_t end = std::min(comment.find('\n', begin), comment.size());
    text += "# " + comment.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  YAML::Emitter out;
  emit(out, Json::parse(document), false);
  return text + out.c_str() + "\n";
}

}  // namespace orrery::scenario
