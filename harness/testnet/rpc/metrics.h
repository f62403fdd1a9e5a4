// Counters of the door and of the chain that it follows, as Prometheus text. Labels come from
// closed sets, so their number is bounded.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "harness/testnet/rpc/chain_methods.h"
#include "harness/testnet/rpc/chat.h"

namespace orrery::testnet {

class Metrics {
 public:
  // A block came to the canonical chain. After a reorganisation its successor counts, too: counters
  // never fall.
  void count_block(const ChainFollower::Adopted& block, std::int64_t interval_ns,
                   const chain::ModuleTable& modules);
  void count_reorg() { ++reorgs_; }
  void count_call(const std::string& method, bool ok) { ++calls_[{method, ok}]; }

  struct Gauges {
    std::size_t connections = 0;
    std::size_t subscriptions = 0;
    std::size_t open_chats = 0;
  };
  std::string text(const ReadContext& context, const ChatDesk::Stats& chat,
                   const Gauges& gauges) const;

 private:
  static constexpr std::array<std::uint32_t, 9> kBuckets = {1, 2, 4, 8, 12, 20, 30, 60, 120};  // s

  std::array<std::uint64_t, kBuckets.size() + 1> intervals_{};  // each bucket alone
  double interval_sum_ = 0;
  std::uint64_t reorgs_ = 0;
  std::map<std::pair<std::string, std::string>, std::uint64_t> transactions_;  // type, result
  std::map<std::string, std::uint64_t> task_events_;
  std::uint64_t tokens_ = 0;
  std::uint64_t proofs_ = 0;
  std::map<std::pair<std::string, bool>, std::uint64_t> calls_;
};

}  // namespace orrery::testnet
