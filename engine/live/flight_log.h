// The flight log on disk: numbered segments in a folder. The newest is written as it is,
// 00000007.flight, one write a record, so a killed process loses nothing that its node had heard;
// a full one is compressed by a helper thread to 00000006.flight.zst. Each record is framed with its
// length and a checksum; a torn end is cut when the log is opened again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/env/flight.h"

namespace orrery::live {

class FlightLog {
 public:
  static constexpr std::size_t kSegmentBytes = 16 << 20;
  static constexpr std::size_t kMaxRecord = 4 << 20;  // a full message and its frame

  // Creates `dir` if missing and goes on after the last whole record.
  static Result<std::unique_ptr<FlightLog>> open(const std::string& dir);
  ~FlightLog();  // waits for a compression under way

  // In the page cache when it returns. False: the disk refused, see failure().
  bool append(const env::FlightRecord& record);
  // Durable when it returns; may be called from another thread.
  bool sync();
  std::uint64_t bytes() const;  // appended since open, before compression
  std::string failure() const;

 private:
  class Impl;
  explicit FlightLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Reads a log from its first segment, whether or not its writer still runs. Stops at the first
// record that is torn or damaged. kIo, kMalformed.
struct FlightEnd {
  std::uint64_t records = 0;
  bool torn = false;     // bytes after the last whole record
  std::string damage;    // what was wrong inside the log; empty: nothing
};
Result<FlightEnd> read_flight_log(const std::string& dir,
                                  const std::function<void(env::FlightRecord)>& visit);

}  // namespace orrery::live
