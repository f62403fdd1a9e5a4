// TensorFolder, declared in safetensors.h.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/model/json_text.h"
#include "harness/model/safetensors.h"

namespace orrery::model {
namespace {

namespace fs = std::filesystem;

// The shard that the index gives each tensor.
Result<std::map<std::string, std::string>> read_index(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
  ASSIGN_OR_RETURN(const nlohmann::json root, parse_json(text, path));
  std::map<std::string, std::string> shards;
  if (!root.is_object() || !root.contains("weight_map") || !root["weight_map"].is_object()) {
    return fail(ErrorCode::kMalformed, path + ": no weight_map of tensors to files");
  }
  for (const auto& [name, file] : root["weight_map"].items()) {
    if (!file.is_string()) return fail(ErrorCode::kMalformed, path + ": a shard is not a name");
    const auto shard = file.get<std::string>();
    if (shard.empty() || shard.find('/') != std::string::npos || shard == "..") {
      return fail(ErrorCode::kMalformed,
                  fmt::format("{}: shard {:?} is not a file beside the index", path, shard));
    }
    shards[name] = shard;
  }
  return shards;
}

}  // namespace

Result<TensorFolder> TensorFolder::open(const std::string& folder) {
  TensorFolder out;
  const std::string single = folder + "/model.safetensors";
  const std::string index = folder + "/model.safetensors.index.json";
  if (fs::exists(single)) {
    ASSIGN_OR_RETURN(Safetensors file, Safetensors::read(single));
    for (const TensorEntry& t : file.tensors()) out.where_[t.name] = 0;
    out.files_.push_back(std::move(file));
    return out;
  }
  if (!fs::exists(index)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} has neither model.safetensors nor its index", folder));
  }
  ASSIGN_OR_RETURN(const auto shards, read_index(index));
  std::map<std::string, std::size_t> opened;
  for (const auto& [name, shard] : shards) {
    if (!opened.contains(shard)) {
      ASSIGN_OR_RETURN(Safetensors file, Safetensors::read(folder + "/" + shard));
      for (const TensorEntry& t : file.tensors()) {
        const auto listed = shards.find(t.name);
        if (listed != shards.end() && listed->second == shard) continue;
        return fail(ErrorCode::kMalformed,
                    fmt::format("{}: {:?} is not listed for this shard", shard, t.name));
      }
      opened[shard] = out.files_.size();
      out.files_.push_back(std::move(file));
    }
    const std::size_t at = opened[shard];
    if (out.files_[at].find(name) == nullptr) {
      return fail(ErrorCode::kMalformed, fmt::format("{} has no tensor {:?}", shard, name));
    }
    out.where_[name] = at;
  }
  return out;
}

std::vector<std::string> TensorFolder::names() const {
  std::vector<std::string> out;
  for (const auto& [name, file] : where_) out.push_back(name);
  return out;
}

Result<TensorEntry> TensorFolder::entry(const std::string& name) const {
  const auto found = where_.find(name);
  if (found == where_.end()) {
    return fail(ErrorCode::kNotFound, fmt::format("the checkpoint has no tensor {:?}", name));
  }
  return *files_[found->second].find(name);
}

Result<std::vector<float>> TensorFolder::floats(const std::string& name,
                                                const std::vector<std::uint64_t>& shape) const {
  ASSIGN_OR_RETURN(const TensorEntry found, entry(name));
  if (found.shape != shape) {
    return fail(ErrorCode::kMalformed,
                fmt::format("tensor {:?} has shape {}, the config implies {}", name,
                            shape_text(found.shape), shape_text(shape)));
  }
  return files_[where_.at(name)].floats(found);
}

}  // namespace orrery::model
