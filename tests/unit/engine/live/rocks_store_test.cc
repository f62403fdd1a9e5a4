#include "engine/live/rocks_store.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "tests/unit/engine/sim/store_contract.h"

namespace orrery::live {
namespace {

using env::Synced;

// A folder of this test's own, removed at its end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "orrery_store_XXXXXX").string();
    ENSURE(mkdtemp(name.data()) != nullptr, "no temporary folder");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_ + "/store"; }

 private:
  std::string path_;
};

// A store, its loop, and the answers that came.
struct Opened {
  explicit Opened(const std::string& dir, RocksStore::BeforeSync before_sync = {}) {
    auto made = RocksStore::open(
        loop, dir, [this](Synced synced) { answers.push_back(synced); }, std::move(before_sync));
    EXPECT_TRUE(made) << made.error().message;
    store = std::move(*made);
  }
  void wait_for(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (answers.size() < count && std::chrono::steady_clock::now() < end) {
      if (loop.stopped()) loop.restart();
      loop.run_one_for(std::chrono::milliseconds(20));
      loop.restart();
    }
    EXPECT_GE(answers.size(), count);
  }
  std::uint64_t put(std::uint64_t key, std::size_t size = 8) {
    return store->apply({{Writer().u64(key).take(), Buffer(Bytes(size))}});
  }
  bool has(std::uint64_t key) const { return store->get(Writer().u64(key).take()).has_value(); }

  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      loop.get_executor()};
  std::vector<Synced> answers;
  std::unique_ptr<RocksStore> store;
};

class RocksRig final : public env::StoreRig {
 public:
  env::Store& store() override { return *opened_->store; }
  std::vector<Synced> settle() override {
    // Syncs are answered in order, so the answer to one more comes after all.
    opened_->store->sync(0, {.kind = 999});
    while (opened_->answers.empty() || opened_->answers.back().cookie.kind != 999) {
      opened_->wait_for(opened_->answers.size() + 1);
    }
    opened_->answers.pop_back();
    return std::exchange(opened_->answers, {});
  }
  void crash() override {
    opened_.reset();
    opened_ = std::make_unique<Opened>(folder_.path());
  }

 private:
  Folder folder_;
  std::unique_ptr<Opened> opened_ = std::make_unique<Opened>(folder_.path());
};

std::unique_ptr<env::StoreRig> make_rig() { return std::make_unique<RocksRig>(); }

}  // namespace
}  // namespace orrery::live

namespace orrery::env {
INSTANTIATE_TEST_SUITE_P(Rocks, StoreContract, testing::Values(&live::make_rig));
}

namespace orrery::live {
namespace {

TEST(RocksStore, CountsItsBatchesAndKeepsItsIdentity) {
  Folder folder, other;
  std::uint64_t identity = 0;
  {
    Opened opened(folder.path());
    EXPECT_EQ(opened.store->sequence(), 0u);
    identity = opened.store->identity();
    for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(opened.put(i), i);
  }
  Opened again(folder.path());
  EXPECT_EQ(again.store->sequence(), 5u);
  EXPECT_EQ(again.store->identity(), identity);
  EXPECT_NE(Opened(other.path()).store->identity(), identity);
}

TEST(RocksStore, ItsOwnKeysCannotBeSeenOrHit) {
  Folder folder;
  Opened opened(folder.path());
  const auto bytes = [](std::string_view text) { return Bytes(text.begin(), text.end()); };
  opened.store->apply({{bytes("msequence"), Buffer(bytes("mine"))}, {bytes(""), Buffer()}});
  const auto all = opened.store->scan(Bytes{}, Bytes{0xff, 0xff}, 100);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[0].key.empty());
  EXPECT_EQ(all[1].key, bytes("msequence"));
  EXPECT_EQ(opened.store->sequence(), 1u);
}

TEST(RocksStore, WhatMustBeDurableFirstIsAskedBeforeAndMayRefuse) {
  Folder folder;
  std::atomic<int> asked = 0;
  std::atomic<bool> fine = true;
  Opened opened(folder.path(), [&] {
    ++asked;
    return fine.load();
  });
  opened.store->sync(opened.put(1), {.a = 1});
  opened.wait_for(1);
  EXPECT_TRUE(opened.answers[0].ok);
  EXPECT_EQ(asked, 1);
  fine = false;
  opened.store->sync(opened.put(2), {.a = 2});
  opened.wait_for(2);
  EXPECT_FALSE(opened.answers[1].ok);
  EXPECT_FALSE(opened.store->failure().empty());
  EXPECT_EQ(opened.put(3), 3u);  // and nothing more is written
  EXPECT_FALSE(opened.has(3));
}

TEST(RocksStore, ManySyncsAreAnsweredInOrder) {
  Folder folder;
  Opened opened(folder.path());
  for (std::uint64_t i = 1; i <= 200; ++i) opened.store->sync(opened.put(i), {.a = i});
  opened.wait_for(200);
  ASSERT_EQ(opened.answers.size(), 200u);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Synced& answer = opened.answers[i];
    EXPECT_TRUE(answer.ok && answer.sequence == i + 1 && answer.cookie.a == i + 1) << i;
  }
}

TEST(RocksStore, AnAnswerOnItsWayToAStoreThatIsGoneDoesNotCome) {
  Folder folder;
  Opened opened(folder.path());
  opened.store->sync(opened.put(1), {});
  opened.store.reset();  // waits for the sync; its answer is posted
  opened.loop.poll();
  EXPECT_TRUE(opened.answers.empty());
}

// The limit on the size of files stands in for a full disk; it works for the superuser too.
TEST(RocksStore, AFailedWriteIsReportedAndNothingAfterItIsWritten) {
  Folder folder;
  std::uint64_t last = 0;
  {
    Opened opened(folder.path());
    opened.store->sync(opened.put(1), {});
    opened.wait_for(1);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{1 << 20, before.rlim_max};
    const auto handler = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    for (std::uint64_t i = 2; i <= 10; ++i) {
      EXPECT_EQ(opened.put(i, 256 << 10), i);  // the numbers go on
    }
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    EXPECT_NE(opened.store->failure().find("write"), std::string::npos);
    opened.put(11);
    EXPECT_FALSE(opened.has(11));
    opened.store->sync(11, {});
    opened.wait_for(2);
    EXPECT_FALSE(opened.answers[1].ok);
  }
  Opened again(folder.path());
  last = again.store->sequence();
  EXPECT_GE(last, 1u);
  EXPECT_LT(last, 10u);
  for (std::uint64_t i = 1; i <= 11; ++i) EXPECT_EQ(again.has(i), i <= last) << i;
}

// --- opening ---

std::string refusal(const std::string& dir) {
  boost::asio::io_context loop;
  const auto made = RocksStore::open(loop, dir, [](Synced) {});
  return made ? "" : std::to_string(static_cast<int>(made.error().code)) + made.error().message;
}
std::string coded(ErrorCode code) { return std::to_string(static_cast<int>(code)); }

TEST(RocksStore, AStoreThatIsOpenIsRefused) {
  Folder folder;
  Opened opened(folder.path());
  EXPECT_TRUE(refusal(folder.path()).starts_with(coded(ErrorCode::kIo)));
  EXPECT_NE(refusal(folder.path()).find("in use"), std::string::npos);
}

TEST(RocksStore, AFolderThatCannotBeMadeIsRefused) {
  Folder folder;
  std::ofstream(folder.path()) << "a file";
  EXPECT_NE(refusal(folder.path() + "/below").find("cannot create"), std::string::npos);
}

TEST(RocksStore, ADamagedStoreIsRefusedWithAdvice) {
  Folder folder;
  { Opened opened(folder.path()); }
  std::ofstream(folder.path() + "/CURRENT") << "MANIFEST-999999\n";
  EXPECT_TRUE(refusal(folder.path()).starts_with(coded(ErrorCode::kIo)));
  EXPECT_NE(refusal(folder.path()).find(folder.path()), std::string::npos);
}

TEST(RocksStore, AReadOfRottenBytesThrowsAndFailsTheStore) {
  Folder folder;
  constexpr std::uint64_t kKeys = 1000;
  {
    Opened opened(folder.path());
    for (std::uint64_t i = 1; i <= kKeys; ++i) opened.put(i, 200);
    opened.store->sync(kKeys, {});
    opened.wait_for(1);
  }
  { Opened opened(folder.path()); }  // moves the log's content into table files
  int rotten = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto place = static_cast<std::streamoff>(entry.file_size() / 2);
    file.seekg(place);
    const int byte = file.get();
    file.seekp(place);
    file.put(static_cast<char>(byte ^ 1));
    ++rotten;
  }
  ASSERT_GT(rotten, 0);
  Opened opened(folder.path());
  const auto read_all = [&] {
    for (std::uint64_t i = 1; i <= kKeys; ++i) EXPECT_TRUE(opened.has(i)) << i;
  };
  EXPECT_THROW(read_all(), env::StoreFailed);
  EXPECT_NE(opened.store->failure().find("cannot read"), std::string::npos);
  EXPECT_THROW(
      opened.store->scan(Writer().u64(0).take(), Writer().u64(UINT64_MAX).take(), 2 * kKeys),
      env::StoreFailed);
}

TEST(RocksStore, AnotherVersionIsUnsupportedAndBothAreNamed) {
  Folder folder;
  { Opened opened(folder.path()); }
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, folder.path(), &raw).ok());
  const Bytes version = Writer().u64(RocksStore::kVersion + 7).take();
  raw->Put({}, "mversion", std::string(as_text(version)));
  delete raw;
  const std::string why = refusal(folder.path());
  EXPECT_TRUE(why.starts_with(coded(ErrorCode::kUnsupported))) << why;
  EXPECT_NE(why.find("version 8"), std::string::npos) << why;
  EXPECT_NE(why.find("knows 1"), std::string::npos) << why;
}

TEST(RocksStore, ADatabaseOfSomebodyElseIsRefused) {
  Folder folder;
  std::filesystem::create_directories(folder.path());
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, folder.path(), &raw).ok());
  raw->Put({}, "key", "value");
  delete raw;
  EXPECT_TRUE(refusal(folder.path()).starts_with(coded(ErrorCode::kUnsupported)));
}

// --- a process that is killed ---

constexpr const char* kChildStore = "ORRERY_TEST_CHILD_STORE";

// The child of the test below: syncs ten batches, says so, and writes on until it is killed.
TEST(RocksStoreChild, DISABLED_WritesUntilItIsKilled) {
  const char* dir = getenv(kChildStore);
  ASSERT_NE(dir, nullptr);
  Opened opened(dir);
  for (std::uint64_t i = 1; i <= 10; ++i) opened.put(i);
  opened.store->sync(10, {});
  opened.wait_for(1);
  ASSERT_TRUE(opened.answers.at(0).ok);
  const std::string word = "synced\n";
  ASSERT_EQ(write(STDERR_FILENO, word.data(), word.size()), static_cast<ssize_t>(word.size()));
  for (std::uint64_t i = 11; i < 10'000'000; ++i) opened.put(i);
}

TEST(RocksStore, WhatAKilledProcessHadSyncedIsThereAndNoHalfBatch) {
  Folder folder;
  int out[2];
  ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
  const std::string variable = std::string(kChildStore) + "=" + folder.path();
  std::string program = "store", filter = "--gtest_filter=RocksStoreChild.*",
              disabled = "--gtest_also_run_disabled_tests", brief = "--gtest_brief=1",
              environment = variable;
  char* arguments[] = {program.data(), filter.data(), disabled.data(), brief.data(), nullptr};
  char* variables[] = {environment.data(), nullptr};
  pid_t child = 0;
  ASSERT_EQ(posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, variables), 0);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  char word[16] = {};
  const ssize_t size = read(out[0], word, sizeof word - 1);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  close(out[0]);
  ASSERT_GT(size, 0);
  ASSERT_STREQ(word, "synced\n");
  ASSERT_TRUE(WIFSIGNALED(status));
  Opened again(folder.path());
  const std::uint64_t last = again.store->sequence();
  EXPECT_GE(last, 10u);
  EXPECT_TRUE(again.has(last));
  EXPECT_FALSE(again.has(last + 1));
  for (std::uint64_t i = 1; i <= 10; ++i) EXPECT_TRUE(again.has(i));
  EXPECT_EQ(again.put(last + 1), last + 1);
}

}  // namespace
}  // namespace orrery::live
