#include "harness/model/config_reader.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace orrery::model {

using nlohmann::json;

ConfigReader::ConfigReader(const json& root, std::string path)
    : root_(root), path_(std::move(path)) {}

std::uint32_t ConfigReader::count(const char* key, std::uint32_t otherwise) {
  const json* value = find(key);
  if (value == nullptr) {
    if (otherwise == 0) problem(ErrorCode::kMalformed, fmt::format("{:?} is missing", key));
    return otherwise;
  }
  if (!value->is_number_unsigned() || *value == 0 || *value > 0x7fffffffu) {
    problem(ErrorCode::kMalformed, fmt::format("{:?} is not a positive count", key));
    return 1;
  }
  return value->get<std::uint32_t>();
}

bool ConfigReader::flag(const char* key, bool otherwise) {
  const json* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) problem(ErrorCode::kMalformed, fmt::format("{:?} is no flag", key));
  return value->is_boolean() && value->get<bool>();
}

void ConfigReader::only(const char* key, const json& wanted) {
  const json* value = find(key);
  if (value == nullptr || *value == wanted) return;
  problem(ErrorCode::kUnsupported,
          fmt::format("{:?} is {}; exact-i8 takes {} only", key, value->dump(), wanted.dump()));
}

void ConfigReader::require(bool holds, const std::string& what) {
  if (!holds) problem(ErrorCode::kUnsupported, what);
}

Status ConfigReader::status() const {
  if (!failed_) return {};
  return fail(code_, path_ + ": " + message_);
}

const json* ConfigReader::find(const char* key) const {
  const auto at = root_.find(key);
  return at == root_.end() || at->is_null() ? nullptr : &*at;
}

void ConfigReader::problem(ErrorCode code, std::string message) {
  if (failed_) return;
  failed_ = true;
  code_ = code;
  message_ = std::move(message);
}

}  // namespace orrery::model
