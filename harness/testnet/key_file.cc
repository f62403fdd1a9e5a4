#include "harness/testnet/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "harness/testnet/descriptor.h"

namespace orrery::testnet {
namespace {

using chain::KeyPair;
using nlohmann::json;

constexpr const char* kSchema = "orrery.key/1";
constexpr std::size_t kMaxBytes = 4096;  // ours have some 300
constexpr mode_t kOwnerOnly = 0600;

}  // namespace

Result<KeyPair> create_key_file(const std::string& path) {
  std::array<std::uint8_t, 32> seed{};
  if (::getentropy(seed.data(), seed.size()) != 0) {
    return fail(ErrorCode::kIo, "the system gives no random numbers");
  }
  const KeyPair key = KeyPair::from_seed(seed);
  const std::string text = json{{"schema", kSchema},
                                {"seed", to_hex(seed)},
                                {"public_key", key.public_key().hex()},
                                {"address", chain::address_of(key.public_key()).hex()}}
                               .dump(1) +
                           "\n";
  // O_EXCL: a key that exists is somebody's money.
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (file.get() < 0 && errno == EEXIST) {
    return fail(ErrorCode::kInvalidArgument, path + ": exists, and keys are never overwritten");
  }
  if (file.get() < 0) return io_error(path);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size()) || ::fsync(file.get()) != 0) {
    const auto error = io_error(path);
    ::unlink(path.c_str());
    return error;
  }
  return key;
}

Result<KeyPair> read_key_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return fail(ErrorCode::kNotFound, path + ": no such file");
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return io_error(path);
  if (!S_ISREG(about.st_mode)) return fail(ErrorCode::kMalformed, path + ": not a key file");
  if ((about.st_mode & 077) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: others than you can read this key; chmod 600 {}", path, path));
  }
  std::string text(kMaxBytes, '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return io_error(path);
  text.resize(static_cast<std::size_t>(got));
  const json value = json::parse(text, nullptr, false);
  const auto member = [&](const char* name) {
    const bool there = value.is_object() && value.contains(name) && value[name].is_string();
    return there ? value[name].get<std::string>() : std::string();
  };
  const auto bytes = from_hex(member("seed"));
  std::array<std::uint8_t, 32> seed{};
  if (member("schema") != kSchema || !bytes || bytes->size() != seed.size()) {
    return fail(ErrorCode::kMalformed, path + ": not a key file of this program");
  }
  std::copy(bytes->begin(), bytes->end(), seed.begin());
  const KeyPair key = KeyPair::from_seed(seed);
  if (member("public_key") != key.public_key().hex()) {
    return fail(ErrorCode::kMalformed, path + ": its public key is not that of its seed");
  }
  return key;
}

}  // namespace orrery::testnet
