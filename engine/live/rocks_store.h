// The disk of a live node: env::Store over RocksDB. Batches are applied in order through the write
// ahead log; each carries its sequence number, so that after a crash the store knows exactly how
// many batches it still has. Syncs run on a thread of their own and are answered on the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/env/env.h"

namespace boost::asio {
class io_context;
}

namespace rocksdb {
class Env;
}

namespace orrery::live {

class RocksStore final : public env::Store {
 public:
  static constexpr std::uint32_t kVersion = 1;  // of the layout on disk

  // Called on the loop, once for each sync, in order.
  using SyncedFunction = std::function<void(env::Synced)>;
  // Called on the sync thread before the write ahead log is synced: what must be durable first.
  using BeforeSync = std::function<bool()>;

  // Creates `dir` if it is not there. kIo: it cannot be opened (the message says why: missing
  // rights, a full disk, another process has it). kUnsupported: written by another version.
  // `env`: where its files lie, if not on this machine's disk; outlives the store.
  static Result<std::unique_ptr<RocksStore>> open(boost::asio::io_context& loop,
                                                  const std::string& dir, SyncedFunction on_synced,
                                                  BeforeSync before_sync = {},
                                                  rocksdb::Env* env = nullptr);
  ~RocksStore() override;  // waits for syncs under way; their answers do not come

  std::uint64_t apply(env::WriteBatch batch) override;
  void sync(std::uint64_t sequence, env::Cookie cookie) override;
  std::optional<Buffer> get(ByteView key) const override;
  std::vector<env::KeyValue> scan(ByteView begin, ByteView end, std::size_t limit) const override;
  std::uint64_t snapshot() override;
  std::optional<Buffer> get_at(std::uint64_t snapshot, ByteView key) const override;
  void release(std::uint64_t snapshot) override;

  // Batches that the store has; at open: what survived.
  std::uint64_t sequence() const;
  // Drawn once, when the store was made: tells a wiped disk from the same one.
  std::uint64_t identity() const;
  // Set when a write failed (a full disk, say): the node must stop; nothing was lost that was
  // synced. Empty: all is well.
  const std::string& failure() const;

 private:
  class Impl;
  explicit RocksStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::live
