// The flight log on disk: numbered segments in a folder. The newest is written as it is,
// 00000007.flight, with one write an event, so a killed process loses nothing its node had heard;
// a full one is compressed by a helper thread to 00000006.flight.zst. Each record is framed with
// its length and a checksum; a torn end is cut when the log is opened again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/result.h"
#include "engine/env/flight.h"

namespace orrery::live {

class FlightLog {
 public:
  static constexpr std::size_t kSegmentBytes = 16 << 20;
  static constexpr std::size_t kMaxRecord = 4 << 20;  // a full message, or a handler's answers

  // Creates `dir` if missing and goes on after the last whole record.
  static Result<std::unique_ptr<FlightLog>> open(const std::string& dir);
  ~FlightLog();  // waits for a compression under way

  // In the page cache when it returns, with all before it. False: the disk refused, see failure().
  bool append(const env::FlightRecord& record);
  // Goes out with the next append: for records that a crash may take.
  void append_later(const env::FlightRecord& record);
  // What was appended is durable when it returns; may be called from another thread.
  bool sync();
  std::uint64_t bytes() const;  // appended since open, before compression
  std::string failure() const;

 private:
  class Impl;
  explicit FlightLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Reads a log from its first segment on, one segment in memory at a time, whether or not its writer
// still runs. Ends at the first record that is torn or damaged.
class FlightReader {
 public:
  explicit FlightReader(std::string dir) : dir_(std::move(dir)) {}

  // Nothing: the log has ended. kIo: a file cannot be read; kMalformed: damage inside the log.
  Result<std::optional<env::FlightRecord>> next();
  std::uint64_t records() const { return records_; }
  bool torn() const { return torn_; }  // it ended within a record, as the log of a killed node may

 private:
  Result<bool> next_segment();

  std::string dir_;
  Bytes bytes_;
  std::size_t at_ = 0;
  std::uint64_t number_ = 0;  // of the segment in bytes_; 0: none yet
  std::uint64_t records_ = 0;
  bool torn_ = false;
};

}  // namespace orrery::live
