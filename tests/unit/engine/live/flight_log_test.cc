#include "engine/live/flight_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/base/random.h"

namespace orrery::live {
namespace {

namespace fs = std::filesystem;

class FlightLogTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "/flight-" + std::to_string(getpid()) + "-" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  static env::FlightRecord record(std::uint64_t n, std::size_t bytes = 16) {
    Bytes payload(bytes);
    RandomStream random(1, 2, n);
    for (auto& b : payload) b = static_cast<std::uint8_t>(random.next());
    return env::FlightHeard{Time{static_cast<std::int64_t>(n)}, Time{},
                            env::MessageIn{{1}, env::Channel::kReliable, Buffer(payload)}};
  }
  std::vector<Bytes> read(bool expect_torn = false) {
    std::vector<Bytes> all;
    FlightReader reader(dir_);
    for (;;) {
      const auto next = reader.next();
      EXPECT_TRUE(next) << next.error().message;
      if (!next || !*next) break;
      all.push_back(env::encode(**next));
    }
    EXPECT_EQ(reader.torn(), expect_torn);
    EXPECT_EQ(reader.records(), all.size());
    return all;
  }
  std::string newest() const {
    std::string name;
    for (const auto& entry : fs::directory_iterator(dir_)) {
      name = std::max(name, entry.path().string());
    }
    return name;
  }

  std::string dir_;
};

TEST_F(FlightLogTest, RecordsComeBackInOrder) {
  std::vector<Bytes> written;
  {
    auto log = FlightLog::open(dir_);
    ASSERT_TRUE(log);
    for (std::uint64_t n = 0; n < 100; ++n) {
      written.push_back(env::encode(record(n)));
      ASSERT_TRUE((*log)->append(record(n)));
    }
  }
  EXPECT_EQ(read(), written);
}

TEST_F(FlightLogTest, AnAppendIsThereAtOnceAndALaterOneWithTheNext) {
  auto log = FlightLog::open(dir_);
  ASSERT_TRUE((*log)->append(record(1)));
  EXPECT_EQ(read().size(), 1u);
  (*log)->append_later(record(2));
  EXPECT_EQ(read().size(), 1u);
  ASSERT_TRUE((*log)->append(record(3)));
  EXPECT_EQ(read().size(), 3u);
}

TEST_F(FlightLogTest, FullSegmentsAreCompressedAndReadAsBefore) {
  constexpr std::size_t kBig = 1 << 20;
  constexpr std::uint64_t kRecords = FlightLog::kSegmentBytes / kBig * 2 + 3;
  std::vector<Bytes> written;
  {
    auto log = FlightLog::open(dir_);
    for (std::uint64_t n = 0; n < kRecords; ++n) {
      written.push_back(env::encode(record(n, kBig)));
      ASSERT_TRUE((*log)->append(record(n, kBig)));
    }
  }
  std::size_t compressed = 0, raw = 0;
  for (const auto& entry : fs::directory_iterator(dir_)) {
    (entry.path().extension() == ".zst" ? compressed : raw) += 1;
  }
  EXPECT_EQ(compressed, 2u);
  EXPECT_EQ(raw, 1u);
  EXPECT_EQ(read(), written);
}

TEST_F(FlightLogTest, ATornEndIsReadAsAnEndAndCutWhenWritingGoesOn) {
  {
    auto log = FlightLog::open(dir_);
    for (std::uint64_t n = 0; n < 3; ++n) ASSERT_TRUE((*log)->append(record(n)));
  }
  fs::resize_file(newest(), fs::file_size(newest()) - 5);
  EXPECT_EQ(read(true).size(), 2u);
  {
    auto log = FlightLog::open(dir_);
    ASSERT_TRUE((*log)->append(record(9)));
  }
  const std::vector<Bytes> all = read();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all.back(), env::encode(record(9)));
}

TEST_F(FlightLogTest, AFlippedBitIsNotReadAsARecord) {
  {
    auto log = FlightLog::open(dir_);
    for (std::uint64_t n = 0; n < 3; ++n) ASSERT_TRUE((*log)->append(record(n)));
  }
  std::fstream file(newest(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);
  file.put('\x55');
  file.close();
  EXPECT_EQ(read(true).size(), 0u);
}

TEST_F(FlightLogTest, DamageInsideAndMissingSegmentsAreErrors) {
  constexpr std::size_t kBig = 1 << 20;
  {
    auto log = FlightLog::open(dir_);
    for (std::uint64_t n = 0; n < FlightLog::kSegmentBytes / kBig * 3; ++n) {
      ASSERT_TRUE((*log)->append(record(n, kBig)));
    }
  }
  fs::remove(dir_ + "/00000002.flight.zst");
  FlightReader reader(dir_);
  Result<std::optional<env::FlightRecord>> next = std::nullopt;
  do {
    next = reader.next();
  } while (next && *next);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kMalformed);
  EXPECT_NE(next.error().message.find("missing"), std::string::npos);
}

TEST_F(FlightLogTest, AFolderThatCannotBeMadeIsAnError) {
  std::ofstream(testing::TempDir() + "/flight-file") << "x";
  const auto log = FlightLog::open(testing::TempDir() + "/flight-file/log");
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace orrery::live
