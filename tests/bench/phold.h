// PHOLD as a model of the kernel; see workload.h.
#pragma once

#include <cstdint>

#include "engine/base/distribution.h"
#include "engine/base/time.h"
#include "tests/bench/workload.h"

namespace orrery::bench {

struct Phold {
  static constexpr Duration kLookahead{kPholdLookahead};

  // With what the engine keeps, 16 bytes, one cache line.
  struct Node {
    std::uint64_t handled;
    std::uint64_t rest[5];
  };

  std::uint32_t nodes;  // above 0
  Distribution delay = *Distribution::make({.kind = DistributionKind::kExp, .a = kPholdMean});

  // The first event of a node comes from outside and has the word kStart: it only sends.
  static constexpr std::uint32_t kStart = 1;
  template <class Self>
  void on(Self self, std::uint32_t word) const {
    std::uint32_t to = self.index();
    if (word != kStart) {
      ++self.node().handled;
      to = self.draw_below(nodes);
    }
    self.send(to, kLookahead + Duration{delay.at(self.draw())}, 0);
  }
};

}  // namespace orrery::bench
