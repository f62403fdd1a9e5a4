#include "engine/live/rocks_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"

namespace orrery::live {
namespace {

// The first byte of a key: what the node stored, and the store's own.
constexpr char kUser = 'd';
constexpr std::string_view kSequenceKey = "msequence";
constexpr std::string_view kIdentityKey = "midentity";
constexpr std::string_view kVersionKey = "mversion";

// Small: nodes are many on one machine, and a chain's state is read mostly from memory.
constexpr std::size_t kWriteBuffer = 8 << 20;
constexpr std::size_t kReadCache = 8 << 20;
constexpr std::size_t kMaxWal = 64 << 20;  // flushes before a restart would replay more than that
constexpr std::size_t kMaxInfoLog = 256 << 10;
constexpr int kMaxOpenFiles = 64;
// A node that asks for more syncs than that ahead of the disk waits for the disk.
constexpr std::size_t kMaxWaitingSyncs = 1 << 16;

rocksdb::Options database_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = kWriteBuffer;
  options.max_total_wal_size = kMaxWal;
  options.max_background_jobs = 2;
  options.max_open_files = kMaxOpenFiles;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = kMaxInfoLog;
  options.keep_log_file_num = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.avoid_flush_during_shutdown = true;  // the write ahead log has it all
  // After a crash the log is read up to the first record that is torn: a whole number of batches.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kReadCache);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::Slice slice(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes bytes_of(const rocksdb::Slice& slice) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(slice.data());
  return Bytes(data, data + slice.size());
}

std::string user_key(ByteView key) {
  std::string full(1, kUser);
  full.append(as_text(key));
  return full;
}

std::string number(std::uint64_t value) {
  const Bytes bytes = Writer().u64(value).take();
  return std::string(as_text(bytes));
}

Error open_error(const std::string& dir, const rocksdb::Status& status) {
  const std::string why = status.ToString();
  if (why.find("LOCK") != std::string::npos && why.find("ermission") == std::string::npos) {
    return {ErrorCode::kIo, fmt::format("the store in {} is in use by another process: stop that "
                                        "one first ({})",
                                        dir, why)};
  }
  if (status.IsCorruption()) {
    return {ErrorCode::kIo, fmt::format("the store in {} is damaged: restore a copy, or empty the "
                                        "folder to begin anew ({})",
                                        dir, why)};
  }
  if (status.IsNoSpace()) {
    return {ErrorCode::kIo, fmt::format("no space left for the store in {} ({})", dir, why)};
  }
  return {ErrorCode::kIo, fmt::format("cannot open the store in {}: {}", dir, why)};
}

}  // namespace

class RocksStore::Impl {
 public:
  Impl(boost::asio::io_context& loop, SyncedFunction on_synced, BeforeSync before_sync)
      : loop_(loop),
        before_sync_(std::move(before_sync)),
        listener_(std::make_shared<Listener>(Listener{std::move(on_synced), this})) {}
  ~Impl();

  Status open(const std::string& dir, rocksdb::Env* env);
  std::uint64_t apply(const env::WriteBatch& batch);
  void sync(std::uint64_t sequence, env::Cookie cookie);
  std::optional<Buffer> get(ByteView key, const rocksdb::Snapshot* snapshot);
  std::vector<env::KeyValue> scan(ByteView begin, ByteView end, std::size_t limit);
  std::uint64_t snapshot();
  const rocksdb::Snapshot* find(std::uint64_t snapshot) const;
  void release(std::uint64_t snapshot);

  std::uint64_t sequence() const { return sequence_; }
  std::uint64_t identity() const { return identity_; }
  const std::string& failure() const { return failure_; }

 private:
  // Answers on their way to the loop share it, and find no store once that is gone.
  struct Listener {
    SyncedFunction on_synced;
    Impl* store;
  };
  struct Waiting {
    std::uint64_t sequence;
    env::Cookie cookie;
  };

  Status read_or_create(const std::string& dir);
  Result<std::optional<std::uint64_t>> own_number(std::string_view key);
  void failed(std::string_view what, const std::string& why);
  [[noreturn]] void cannot_read(const std::string& why);
  void sync_loop();
  std::string sync_now();
  void answer(std::deque<Waiting> syncs, std::string error);

  boost::asio::io_context& loop_;
  BeforeSync before_sync_;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  std::uint64_t sequence_ = 0, identity_ = 0;
  std::string failure_;  // on the loop only
  std::map<std::uint64_t, const rocksdb::Snapshot*> snapshots_;
  std::uint64_t next_snapshot_ = 1;

  std::atomic<bool> has_failed_{false};
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

// --- opening ----------------------------------------------------------------------------------

Status RocksStore::Impl::open(const std::string& dir, rocksdb::Env* env) {
  rocksdb::Options options = database_options();
  if (env != nullptr) {
    options.env = env;
  } else {
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    if (error) {
      return fail(ErrorCode::kIo, fmt::format("cannot create {}: {}", dir, error.message()));
    }
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, dir, &db);
  if (!status.ok()) return tl::unexpected(open_error(dir, status));
  db_.reset(db);
  TRY(read_or_create(dir));
  thread_ = std::thread([this] { sync_loop(); });
  return {};
}

Status RocksStore::Impl::read_or_create(const std::string& dir) {
  ASSIGN_OR_RETURN(const auto version, own_number(kVersionKey));
  if (version) {
    if (*version != kVersion) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("the store in {} has layout version {}, this program knows {}: run "
                              "the program that wrote it, or use an empty folder",
                              dir, *version, kVersion));
    }
    ASSIGN_OR_RETURN(const auto identity, own_number(kIdentityKey));
    ASSIGN_OR_RETURN(const auto sequence, own_number(kSequenceKey));
    if (!identity || !sequence) {
      return fail(ErrorCode::kIo, fmt::format("the store in {} is damaged: it lacks its identity "
                                              "or sequence number",
                                              dir));
    }
    identity_ = *identity;
    sequence_ = *sequence;
    return {};
  }
  const std::unique_ptr<rocksdb::Iterator> all(db_->NewIterator({}));
  all->SeekToFirst();
  if (all->Valid()) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} holds a database that is none of ours: use an empty folder", dir));
  }
  if (getentropy(&identity_, sizeof identity_) != 0) {
    return fail(ErrorCode::kIo, "the system gives no random numbers");
  }
  rocksdb::WriteBatch first;
  first.Put(kVersionKey, number(kVersion));
  first.Put(kIdentityKey, number(identity_));
  first.Put(kSequenceKey, number(0));
  rocksdb::WriteOptions durable;
  durable.sync = true;
  if (const auto status = db_->Write(durable, &first); !status.ok()) {
    return tl::unexpected(open_error(dir, status));
  }
  return {};
}

Result<std::optional<std::uint64_t>> RocksStore::Impl::own_number(std::string_view key) {
  std::string value;
  const rocksdb::Status status = db_->Get({}, key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return tl::unexpected(open_error(db_->GetName(), status));
  Reader in(as_bytes(value));
  const std::uint64_t read = in.u64();
  TRY(in.finish());
  return read;
}

RocksStore::Impl::~Impl() {
  listener_->store = nullptr;
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  for (const auto& [id, snapshot] : snapshots_) db_->ReleaseSnapshot(snapshot);
}

// --- reading and writing ----------------------------------------------------------------------

// After a failure nothing more is written, so what is on disk stays a prefix of what was applied.
void RocksStore::Impl::failed(std::string_view what, const std::string& why) {
  has_failed_ = true;
  if (failure_.empty()) failure_ = fmt::format("the store cannot {}: {}", what, why);
}

void RocksStore::Impl::cannot_read(const std::string& why) {
  failed("read", why);
  throw env::StoreFailed(failure_);
}

std::uint64_t RocksStore::Impl::apply(const env::WriteBatch& batch) {
  ++sequence_;
  if (has_failed_) return sequence_;
  rocksdb::WriteBatch writes;
  for (const env::WriteOp& op : batch) {
    if (op.value) {
      writes.Put(user_key(op.key), slice(op.value->view()));
    } else {
      writes.Delete(user_key(op.key));
    }
  }
  writes.Put(kSequenceKey, number(sequence_));
  const rocksdb::Status status = db_->Write({}, &writes);
  if (!status.ok()) failed("write", status.ToString());
  return sequence_;
}

std::optional<Buffer> RocksStore::Impl::get(ByteView key, const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      db_->Get(options, db_->DefaultColumnFamily(), user_key(key), &value);
  if (status.ok()) return Buffer(bytes_of(value));
  if (!status.IsNotFound()) cannot_read(status.ToString());
  return std::nullopt;
}

std::vector<env::KeyValue> RocksStore::Impl::scan(ByteView begin, ByteView end, std::size_t limit) {
  std::vector<env::KeyValue> pairs;
  const std::string first = user_key(begin), last = user_key(end);
  const rocksdb::Slice bound(last);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  if (first < last) it->Seek(first);
  for (; it->Valid() && pairs.size() < limit; it->Next()) {
    rocksdb::Slice key = it->key();
    key.remove_prefix(1);
    pairs.push_back({bytes_of(key), Buffer(bytes_of(it->value()))});
  }
  if (!it->status().ok()) cannot_read(it->status().ToString());
  return pairs;
}

std::uint64_t RocksStore::Impl::snapshot() {
  snapshots_.emplace(next_snapshot_, db_->GetSnapshot());
  return next_snapshot_++;
}

const rocksdb::Snapshot* RocksStore::Impl::find(std::uint64_t snapshot) const {
  const auto found = snapshots_.find(snapshot);
  ENSURE(found != snapshots_.end(), "no such snapshot");
  return found->second;
}

void RocksStore::Impl::release(std::uint64_t snapshot) {
  db_->ReleaseSnapshot(find(snapshot));
  snapshots_.erase(snapshot);
}

// --- syncing ----------------------------------------------------------------------------------

void RocksStore::Impl::sync(std::uint64_t sequence, env::Cookie cookie) {
  ENSURE(sequence <= sequence_, "a sync of what was not applied");
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < kMaxWaitingSyncs; });
    waiting_.push_back({sequence, cookie});
  }
  changed_.notify_all();
}

// One sync of the log answers all that were asked for before it.
void RocksStore::Impl::sync_loop() {
  for (;;) {
    std::deque<Waiting> syncs;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      syncs.swap(waiting_);
    }
    changed_.notify_all();
    answer(std::move(syncs), sync_now());
  }
}

// Empty: all is well.
std::string RocksStore::Impl::sync_now() {
  if (has_failed_) return "an earlier write has failed";
  if (before_sync_ && !before_sync_()) return "what must be durable before it is not";
  const rocksdb::Status status = db_->SyncWAL();
  // A write that failed meanwhile may be one that these syncs are about.
  if (status.ok() && has_failed_) return "an earlier write has failed";
  return status.ok() ? std::string() : status.ToString();
}

void RocksStore::Impl::answer(std::deque<Waiting> syncs, std::string error) {
  if (!error.empty()) has_failed_ = true;
  boost::asio::post(loop_,
                    [listener = listener_, syncs = std::move(syncs), error = std::move(error)] {
                      if (listener->store != nullptr && !error.empty())
                        listener->store->failed("sync", error);
                      for (const Waiting& sync : syncs) {
                        if (listener->store == nullptr) return;  // a handler may have closed it
                        listener->on_synced({sync.sequence, sync.cookie, error.empty()});
                      }
                    });
}

// --- the public face --------------------------------------------------------------------------

Result<std::unique_ptr<RocksStore>> RocksStore::open(boost::asio::io_context& loop,
                                                     const std::string& dir,
                                                     SyncedFunction on_synced,
                                                     BeforeSync before_sync,
                                                     rocksdb::Env* env) {
  auto impl = std::make_unique<Impl>(loop, std::move(on_synced), std::move(before_sync));
  TRY(impl->open(dir, env));
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(impl)));
}

RocksStore::RocksStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksStore::~RocksStore() = default;

std::uint64_t RocksStore::apply(env::WriteBatch batch) { return impl_->apply(batch); }
void RocksStore::sync(std::uint64_t sequence, env::Cookie cookie) { impl_->sync(sequence, cookie); }
std::optional<Buffer> RocksStore::get(ByteView key) const { return impl_->get(key, nullptr); }
std::vector<env::KeyValue> RocksStore::scan(ByteView begin, ByteView end, std::size_t limit) const {
  return impl_->scan(begin, end, limit);
}
std::uint64_t RocksStore::snapshot() { return impl_->snapshot(); }
std::optional<Buffer> RocksStore::get_at(std::uint64_t snapshot, ByteView key) const {
  return impl_->get(key, impl_->find(snapshot));
}
void RocksStore::release(std::uint64_t snapshot) { impl_->release(snapshot); }
std::uint64_t RocksStore::sequence() const { return impl_->sequence(); }
std::uint64_t RocksStore::identity() const { return impl_->identity(); }
const std::string& RocksStore::failure() const { return impl_->failure(); }

}  // namespace orrery::live
