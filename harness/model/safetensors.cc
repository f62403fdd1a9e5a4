#include "harness/model/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/ensure.h"
#include "harness/model/json_text.h"

namespace orrery::model {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are read as they lie");

struct DtypeSize {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr DtypeSize kDtypes[] = {{"BOOL", 1},    {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1},
                                 {"F8_E4M3", 1}, {"U16", 2}, {"I16", 2}, {"F16", 2},
                                 {"BF16", 2},    {"U32", 4}, {"I32", 4}, {"F32", 4},
                                 {"U64", 8},     {"I64", 8}, {"F64", 8}};

auto malformed(std::string text) {
  return fail(ErrorCode::kMalformed, "Safetensors: " + std::move(text));
}

Result<std::vector<std::uint64_t>> numbers(const json& value, const std::string& what) {
  if (!value.is_array()) return malformed(what + " is not a list");
  std::vector<std::uint64_t> out;
  for (const json& v : value) {
    if (!v.is_number_unsigned()) return malformed(what + " has an entry that is not a count");
    out.push_back(v.get<std::uint64_t>());
  }
  return out;
}

// Bytes of a tensor; nothing if they pass 2^64.
bool byte_size(const TensorEntry& t, std::uint64_t item, std::uint64_t& out) {
  out = item;
  bool empty = false;
  for (const std::uint64_t n : t.shape) {
    empty = empty || n == 0;
    if (n != 0 && __builtin_mul_overflow(out, n, &out)) return false;
  }
  if (empty) out = 0;
  return true;
}

Result<TensorEntry> read_entry(const std::string& name, const json& value) {
  TensorEntry t{.name = name};
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets")) {
    return malformed(fmt::format("{:?} needs dtype, shape and data_offsets, no more", name));
  }
  if (!value["dtype"].is_string()) return malformed(fmt::format("{:?} has no dtype", name));
  t.dtype = value["dtype"].get<std::string>();
  const auto* dtype = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                   [&](const DtypeSize& d) { return d.name == t.dtype; });
  if (dtype == std::end(kDtypes)) {
    return malformed(fmt::format("{:?} has the unknown dtype {:?}", name, t.dtype));
  }
  ASSIGN_OR_RETURN(t.shape, numbers(value["shape"], fmt::format("shape of {:?}", name)));
  ASSIGN_OR_RETURN(const auto offsets,
                   numbers(value["data_offsets"], fmt::format("data_offsets of {:?}", name)));
  if (offsets.size() != 2 || offsets[1] < offsets[0]) {
    return malformed(fmt::format("data_offsets of {:?} are not [begin, end]", name));
  }
  t.begin = offsets[0];
  t.end = offsets[1];
  std::uint64_t size = 0;
  if (!byte_size(t, dtype->bytes, size) || size != t.end - t.begin) {
    return malformed(fmt::format("{:?} of type {} and shape {} does not take {} bytes", name,
                                 t.dtype, shape_text(t.shape), t.end - t.begin));
  }
  return t;
}

float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h >> 15) << 31;
  const std::uint32_t exponent = (h >> 10) & 31;
  const std::uint32_t fraction = h & 1023;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    const float size = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(size) | sign);
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

template <class T, class Convert>
std::vector<float> convert(ByteView bytes, Convert&& from) {
  std::vector<float> out(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = from(value);
  }
  return out;
}

}  // namespace

std::uint64_t TensorEntry::elements() const {
  std::uint64_t n = 1;
  for (const std::uint64_t d : shape) n *= d;
  return n;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

Result<Safetensors> Safetensors::parse(Bytes file) {
  if (file.size() < 8) return malformed("the file is shorter than its length field");
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  if (header > kMaxSafetensorsHeader || header > file.size() - 8) {
    return malformed(fmt::format("a header of {} bytes in a file of {}", header, file.size()));
  }
  const std::string_view text = as_text(ByteView(file).subspan(8, header));
  if (!text.starts_with('{')) return malformed("the header does not begin with {");
  ASSIGN_OR_RETURN(const json root, parse_json(text, "Safetensors header"));
  Safetensors out;
  for (const auto& [name, value] : root.items()) {
    if (name != "__metadata__") {
      ASSIGN_OR_RETURN(TensorEntry entry, read_entry(name, value));
      out.tensors_.push_back(std::move(entry));
      continue;
    }
    if (!value.is_object()) return malformed("__metadata__ is not an object");
    for (const auto& [key, entry] : value.items()) {
      if (!entry.is_string()) return malformed(fmt::format("metadata {:?} is not a string", key));
      out.metadata_[key] = entry.get<std::string>();
    }
  }
  std::sort(out.tensors_.begin(), out.tensors_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t next = 0;
  for (const TensorEntry& t : out.tensors_) {
    if (t.begin != next) {
      return malformed(fmt::format("{:?} begins at byte {}, the one before it ends at {}", t.name,
                                   t.begin, next));
    }
    next = t.end;
  }
  out.data_ = 8 + header;
  if (next != file.size() - out.data_) {
    return malformed(
        fmt::format("tensors take {} bytes, the file holds {}", next, file.size() - out.data_));
  }
  out.file_ = std::move(file);
  return out;
}

Result<Safetensors> Safetensors::read(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
  auto parsed = parse(Bytes(text.begin(), text.end()));
  if (!parsed) return fail(parsed.error().code, path + ": " + parsed.error().message);
  return parsed;
}

const TensorEntry* Safetensors::find(std::string_view name) const {
  for (const TensorEntry& t : tensors_) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

Result<std::vector<float>> Safetensors::floats(const TensorEntry& t) const {
  const ByteView data = bytes(t);
  if (t.dtype == "F32") return convert<float>(data, [](float v) { return v; });
  if (t.dtype == "F64")
    return convert<double>(data, [](double v) { return static_cast<float>(v); });
  if (t.dtype == "F16") return convert<std::uint16_t>(data, half_to_float);
  if (t.dtype == "BF16") {
    return convert<std::uint16_t>(data, [](std::uint16_t v) {
      return std::bit_cast<float>(static_cast<std::uint32_t>(v) << 16);
    });
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("tensor {:?} has type {}; weights are read from F32, F16, BF16 or F64",
                          t.name, t.dtype));
}

Bytes encode_safetensors(const std::vector<TensorToWrite>& tensors,
                         const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!metadata.empty()) root["__metadata__"] = metadata;
  std::uint64_t next = 0;
  for (const TensorToWrite& t : tensors) {
    ENSURE(!root.contains(t.name), "tensors have distinct names");
    const std::uint64_t size = TensorEntry{.shape = t.shape}.elements() * sizeof(float);
    root[t.name] = {{"dtype", "F32"}, {"shape", t.shape}, {"data_offsets", {next, next + size}}};
    next += size;
  }
  std::string header = root.dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = header.size();
  Bytes file(8 + header.size() + next);
  std::memcpy(file.data(), &length, 8);
  std::copy(header.begin(), header.end(), file.begin() + 8);
  std::uint8_t* to = file.data() + 8 + header.size();
  for (const TensorToWrite& t : tensors) {
    const std::uint64_t size = TensorEntry{.shape = t.shape}.elements() * sizeof(float);
    if (size > 0) std::memcpy(to, t.values, size);
    to += size;
  }
  return file;
}

}  // namespace orrery::model
