#include "engine/live/flight_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "engine/base/codec.h"

namespace orrery::live {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRaw = ".flight";
constexpr std::string_view kCompressed = ".flight.zst";
constexpr std::size_t kFrameHead = 12;  // u32 length, u64 checksum
constexpr int kLevel = 3;               // zstd's default: 200 MB/s and most of the gain

std::uint64_t checksum(ByteView record) { return hash128(record).lo; }

std::string segment_name(std::uint64_t number, std::string_view suffix) {
  return fmt::format("{:08}{}", number, suffix);
}

std::string last_error(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

// Number of a segment's file and whether it is compressed; nothing for other files.
struct Segment {
  std::uint64_t number = 0;
  bool compressed = false;
};
std::optional<Segment> parse_name(const std::string& name) {
  const bool compressed = name.ends_with(kCompressed);
  const std::string_view suffix = compressed ? kCompressed : kRaw;
  if (!name.ends_with(suffix)) return std::nullopt;
  Segment segment{.compressed = compressed};
  const char* end = name.data() + name.size() - suffix.size();
  const auto [rest, error] = std::from_chars(name.data(), end, segment.number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return segment;
}

// Ascending. Of a segment that is there twice (killed while compressing), the raw one counts: it is
// removed only after the other one is durable, so it is whole.
Result<std::vector<Segment>> segments(const std::string& dir) {
  std::vector<Segment> all;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (const auto segment = parse_name(it->path().filename().string())) all.push_back(*segment);
  }
  if (error) return fail(ErrorCode::kIo, dir + ": " + error.message());
  std::sort(all.begin(), all.end(), [](const Segment& a, const Segment& b) {
    return std::pair(a.number, a.compressed) < std::pair(b.number, b.compressed);
  });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const auto& a, const auto& b) { return a.number == b.number; }),
            all.end());
  return all;
}

std::string path_of(const std::string& dir, const Segment& segment) {
  return dir + "/" + segment_name(segment.number, segment.compressed ? kCompressed : kRaw);
}

Result<Bytes> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.good() && !file.eof()) return fail(ErrorCode::kIo, path + ": cannot be read");
  return bytes;
}

Result<Bytes> decompress(const Bytes& bytes, const std::string& path) {
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  // A segment ends with the first record above kSegmentBytes.
  if (size > FlightLog::kSegmentBytes + FlightLog::kMaxRecord + kFrameHead) {
    return fail(ErrorCode::kMalformed, path + ": not a segment of a flight log");
  }
  Bytes out(size);
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) != 0 || got != size) {
    return fail(ErrorCode::kMalformed, path + ": damaged");
  }
  return out;
}

// Writes `path` whole and durably, or not at all.
Status compress_file(const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const Bytes raw, read_file(from));
  Bytes packed(ZSTD_compressBound(raw.size()));
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), kLevel);
  if (ZSTD_isError(size) != 0) return fail(ErrorCode::kInternal, ZSTD_getErrorName(size));
  const std::string temporary = to + ".part";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return fail(ErrorCode::kIo, last_error(temporary));
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::write(file, packed.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  const bool durable = done == size && ::fsync(file) == 0;
  const std::string why = last_error(temporary);
  ::close(file);
  if (!durable || ::rename(temporary.c_str(), to.c_str()) != 0) {
    ::unlink(temporary.c_str());
    return fail(ErrorCode::kIo, why);
  }
  ::unlink(from.c_str());
  return {};
}

// Length of the whole record at the start of `bytes`, its frame included; 0: torn or damaged.
std::size_t whole_record(ByteView bytes) {
  if (bytes.size() < kFrameHead) return 0;
  Reader head(bytes.first(kFrameHead));
  const std::uint32_t size = head.u32();
  const std::uint64_t sum = head.u64();
  if (size > FlightLog::kMaxRecord || bytes.size() - kFrameHead < size) return 0;
  return checksum(bytes.subspan(kFrameHead, size)) == sum ? kFrameHead + size : 0;
}

std::size_t whole_records(ByteView bytes) {
  std::size_t at = 0;
  while (const std::size_t size = whole_record(bytes.subspan(at))) at += size;
  return at;
}

}  // namespace

class FlightLog::Impl {
 public:
  explicit Impl(std::string dir) : dir_(std::move(dir)) {}
  ~Impl() {
    if (file_ >= 0) flush();
    if (compressor_.joinable()) compressor_.join();
    if (file_ >= 0) ::close(file_);
  }

  Status open() {
    std::error_code error;
    fs::create_directories(dir_, error);
    if (error) return fail(ErrorCode::kIo, dir_ + ": " + error.message());
    ASSIGN_OR_RETURN(const std::vector<Segment> all, segments(dir_));
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {  // left by a killed process
      if (!all[i].compressed) TRY(compress(all[i].number));
    }
    number_ = all.empty() ? 1 : all.back().number + (all.back().compressed ? 1 : 0);
    const std::string path = dir_ + "/" + segment_name(number_, kRaw);
    std::size_t keep = 0;
    if (fs::exists(path)) {
      ASSIGN_OR_RETURN(const Bytes bytes, read_file(path));
      keep = whole_records(bytes);
    }
    TRY(open_segment());
    if (::ftruncate(file_, static_cast<off_t>(keep)) != 0) {
      return fail(ErrorCode::kIo, last_error(path));
    }
    size_ = keep;
    return {};
  }

  bool append(const env::FlightRecord& record, bool now) {
    const Bytes body = env::encode(record);
    ENSURE(body.size() <= kMaxRecord, "a flight record is bounded by the messages it holds");
    waiting_.u32(static_cast<std::uint32_t>(body.size())).u64(checksum(body)).raw(body);
    return !now || flush();
  }

  bool flush() {
    if (!failure_.empty()) return false;
    const Bytes bytes = waiting_.take();
    waiting_ = Writer();
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::write(file_, bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        failure_ = last_error(dir_ + "/" + segment_name(number_, kRaw));
        return false;
      }
      done += static_cast<std::size_t>(n);
    }
    size_ += bytes.size();
    written_ += bytes.size();
    return size_ < kSegmentBytes || rotate();
  }

  bool sync() { return ::fdatasync(file_) == 0; }
  std::uint64_t bytes() const { return written_; }
  std::string failure() const { return failure_; }

 private:
  Status open_segment() {
    const std::string path = dir_ + "/" + segment_name(number_, kRaw);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return fail(ErrorCode::kIo, last_error(path));
    // The same number stays open all along, so that sync() on another thread needs no lock.
    if (file_ < 0) {
      file_ = file;
    } else {
      ::dup3(file, file_, O_CLOEXEC);
      ::close(file);
    }
    size_ = 0;
    return {};
  }

  Status compress(std::uint64_t number) {
    return compress_file(dir_ + "/" + segment_name(number, kRaw),
                         dir_ + "/" + segment_name(number, kCompressed));
  }

  bool rotate() {
    if (!sync()) return false;
    const std::uint64_t full = number_++;
    if (const Status opened = open_segment(); !opened) {
      failure_ = opened.error().message;
      return false;
    }
    // One at a time: a node that fills segments faster than they compress waits for it here.
    if (compressor_.joinable()) compressor_.join();
    compressor_ = std::thread([this, full] {
      (void)compress(full);  // on failure the raw segment stays, which is as good
    });
    return true;
  }

  std::string dir_;
  Writer waiting_;
  int file_ = -1;
  std::uint64_t number_ = 1;
  std::size_t size_ = 0;  // of the open segment
  std::uint64_t written_ = 0;
  std::string failure_;
  std::thread compressor_;
};

FlightLog::FlightLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FlightLog::~FlightLog() = default;

Result<std::unique_ptr<FlightLog>> FlightLog::open(const std::string& dir) {
  auto impl = std::make_unique<Impl>(dir);
  TRY(impl->open());
  return std::unique_ptr<FlightLog>(new FlightLog(std::move(impl)));
}

bool FlightLog::append(const env::FlightRecord& record) { return impl_->append(record, true); }
void FlightLog::append_later(const env::FlightRecord& record) { impl_->append(record, false); }
bool FlightLog::sync() { return impl_->sync(); }
std::uint64_t FlightLog::bytes() const { return impl_->bytes(); }
std::string FlightLog::failure() const { return impl_->failure(); }

Result<bool> FlightReader::next_segment() {
  ASSIGN_OR_RETURN(const std::vector<Segment> all, segments(dir_));
  const auto at = std::find_if(all.begin(), all.end(),
                               [&](const Segment& s) { return s.number > number_; });
  if (at == all.end()) return false;
  if (number_ > 0 && at->number != number_ + 1) {
    return fail(ErrorCode::kMalformed, path_of(dir_, *at) + ": segments before it are missing");
  }
  const std::string path = path_of(dir_, *at);
  ASSIGN_OR_RETURN(bytes_, read_file(path));
  if (at->compressed) {
    ASSIGN_OR_RETURN(bytes_, decompress(bytes_, path));
  }
  number_ = at->number;
  at_ = 0;
  return true;
}

Result<std::optional<env::FlightRecord>> FlightReader::next() {
  if (torn_) return std::nullopt;
  while (at_ == bytes_.size()) {
    ASSIGN_OR_RETURN(const bool more, next_segment());
    if (!more) return std::nullopt;
  }
  const auto damaged = [&](const std::string& why) {
    return fail(ErrorCode::kMalformed,
                fmt::format("{}: segment {} at byte {}: {}", dir_, number_, at_, why));
  };
  const std::size_t size = whole_record(ByteView(bytes_).subspan(at_));
  if (size == 0) {
    ASSIGN_OR_RETURN(const std::vector<Segment> all, segments(dir_));
    if (all.back().number != number_) return damaged("not a whole record");
    torn_ = true;
    return std::nullopt;
  }
  auto record = env::decode_flight(
      ByteView(bytes_).subspan(at_ + kFrameHead, size - kFrameHead));
  if (!record) return damaged(record.error().message);
  at_ += size;
  ++records_;
  return std::optional<env::FlightRecord>(std::move(*record));
}

}  // namespace orrery::live
