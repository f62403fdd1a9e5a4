// Reading config.json of a checkpoint key by key.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.h"

namespace orrery::model {

// The first problem is kept; ask status() at the end. `root` must outlive it and be an object.
class ConfigReader {
 public:
  ConfigReader(const nlohmann::json& root, std::string path);

  // A positive count; without the key `otherwise`, or a problem if that is 0.
  std::uint32_t count(const char* key, std::uint32_t otherwise = 0);
  bool flag(const char* key, bool otherwise);
  // The key must be absent, null, or have this value.
  void only(const char* key, const nlohmann::json& wanted);
  void require(bool holds, const std::string& what);
  // kMalformed or kUnsupported, with path and key.
  Status status() const;

 private:
  const nlohmann::json* find(const char* key) const;  // nullptr for absent and for null
  void problem(ErrorCode code, std::string message);

  const nlohmann::json& root_;
  std::string path_;
  bool failed_ = false;
  ErrorCode code_ = ErrorCode::kMalformed;
  std::string message_;
};

}  // namespace orrery::model
