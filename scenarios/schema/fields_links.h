// The keys of a link, wherever one is described: network, network.between, timeline.
#pragma once

#include "scenarios/schema/fields.h"

namespace orrery::scenario {

// Binds the LinkSpec behind `P` of T. `note` stands for the default where it is inherited.
template <auto... P, class T>
void add_link(SectionBuilder<T>& b, std::uint32_t allowed, std::string_view note) {
  constexpr i128 kWhole = 1'000'000;  // 100 % in ppm
  constexpr i128 kHour = 3600 * static_cast<i128>(1'000'000'000);
  const auto chance = [&](std::string_view name, std::string_view meaning) {
    return Field{.name = name,
                 .type = Type::kPpm,
                 .meaning = meaning,
                 .max = kWhole,
                 .allowed_for = allowed,
                 .default_note = note};
  };
  const auto time = [&](std::string_view name, std::string_view meaning) {
    return Field{.name = name,
                 .type = Type::kDuration,
                 .meaning = meaning,
                 .max = kHour,
                 .allowed_for = allowed,
                 .default_note = note};
  };
  b.template add<P..., &LinkSpec::latency>({.name = "latency",
                                            .type = Type::kDurationDistribution,
                                            .meaning = "One-way delay of a message.",
                                            .max = kHour,
                                            .allowed_for = allowed,
                                            .default_note = note});
  b.template add<P..., &LinkSpec::loss_ppm>(
      chance("loss",
             "Part of the datagrams that are lost; on reliable channels each loss costs a "
             "retransmission delay."));
  b.template add<P..., &LinkSpec::duplicate_ppm>(
      chance("duplicate", "Part of the datagrams that arrive twice."));
  b.template add<P..., &LinkSpec::bytes_per_second>(
      {.name = "rate",
       .type = Type::kBitRate,
       .meaning = "Capacity of the link.",
       .min = 125,
       .allowed_for = allowed,
       .default_note = note.empty() ? "unlimited" : note});
  b.template add<P..., &LinkSpec::jitter>(
      time("jitter", "Up to this much more delay, even over its range, for each message."));
  b.template add<P..., &LinkSpec::reorder_ppm>(
      chance("reorder", "Part of the datagrams that are held back within reorder_window."));
  b.template add<P..., &LinkSpec::reorder_window>(
      time("reorder_window", "How long a datagram is held back at most."));
  b.template add<P..., &LinkSpec::corrupt_ppm>(
      chance("corrupt",
             "Part of the messages in which a bit is turned over: a datagram arrives so, a session "
             "notices and breaks."));
  b.template add<P..., &LinkSpec::queue_bytes>(
      {.name = "queue",
       .type = Type::kSize,
       .meaning = "What waits for the rate at most; datagrams beyond it are dropped.",
       .allowed_for = allowed,
       .default_note = note.empty() ? "unlimited" : note});
}

const Section& network_section();
const Section& timeline_section();

}  // namespace orrery::scenario
