// The Safetensors format: u64 length of a JSON header, the header, raw little-endian tensors.
// Reading checks all that the format promises, so that what is accepted is the one way to read it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace orrery::model {

inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;  // the format's own bound

struct TensorEntry {
  std::string name;
  std::string dtype;                 // F32, BF16, I8, ... as the format spells them
  std::vector<std::uint64_t> shape;  // [] is a scalar
  std::uint64_t begin = 0;           // bytes from the start of the data
  std::uint64_t end = 0;

  std::uint64_t elements() const;
};

// "[2, 3]", for messages.
std::string shape_text(const std::vector<std::uint64_t>& shape);

// One file, in memory.
class Safetensors {
 public:
  // kMalformed with what is wrong and where: a header longer than the file or 100 MB, not a JSON
  // object, a duplicate key, an unknown dtype, a range that is not shape times size, ranges that
  // overlap, leave gaps or do not cover the data, metadata that are not strings.
  static Result<Safetensors> parse(Bytes file);
  // Also kIo.
  static Result<Safetensors> read(const std::string& path);

  const std::vector<TensorEntry>& tensors() const { return tensors_; }  // by place in the file
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const TensorEntry* find(std::string_view name) const;
  ByteView bytes(const TensorEntry& tensor) const {
    return ByteView(file_).subspan(data_ + tensor.begin, tensor.end - tensor.begin);
  }
  // The tensor's numbers as floats. F32, F16, BF16 exactly, F64 to the nearest; kUnsupported for
  // other types.
  Result<std::vector<float>> floats(const TensorEntry& tensor) const;

 private:
  Bytes file_;
  std::uint64_t data_ = 0;  // where the data begin
  std::vector<TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

// A tensor to write. Ranges follow in the order given.
struct TensorToWrite {
  std::string name;
  std::vector<std::uint64_t> shape;
  const float* values;
};
// A file of F32 tensors; the data begin at a multiple of 8. Names must be distinct (ENSURE).
Bytes encode_safetensors(const std::vector<TensorToWrite>& tensors,
                         const std::map<std::string, std::string>& metadata);

// The tensors of a folder: model.safetensors, or the shards that model.safetensors.index.json
// names.
class TensorFolder {
 public:
  // kNotFound: neither file. kMalformed: a shard outside of the folder, a tensor that its shard
  // lacks or that two shards hold.
  static Result<TensorFolder> open(const std::string& folder);

  // Names in order.
  std::vector<std::string> names() const;
  bool has(const std::string& name) const { return where_.contains(name); }
  // kNotFound if missing; else the entry.
  Result<TensorEntry> entry(const std::string& name) const;
  // The values if the tensor has exactly this shape; kMalformed names both shapes if not.
  Result<std::vector<float>> floats(const std::string& name,
                                    const std::vector<std::uint64_t>& shape) const;

 private:
  std::vector<Safetensors> files_;
  std::map<std::string, std::size_t> where_;
};

}  // namespace orrery::model
