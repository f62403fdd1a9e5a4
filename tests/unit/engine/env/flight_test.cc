#include "engine/env/flight.h"

#include <gtest/gtest.h>

#include "engine/env/event_digest.h"

namespace orrery::env {
namespace {

Buffer buffer(std::string_view text) {
  return Buffer(Bytes(as_bytes(text).begin(), as_bytes(text).end()));
}

std::vector<Event> one_of_each() {
  const Cookie cookie{7, 8, 9};
  return {MessageIn{{3}, Channel::kDatagram, buffer("hello")},
          TimerFired{5, cookie},
          Synced{6, cookie, false},
          JobDone{4, cookie, {JobStatus::kRefused, buffer("out"), 77}},
          PeerUp{{2}, {"/ip4/127.0.0.1/tcp/1"}, NodeKey{1, 2, 3}, true},
          PeerDown{{2}, DownReason::kUnreachable},
          DialFailed{{"/ip4/127.0.0.1/tcp/2"}},
          Request{11, buffer("ask")},
          Admin{buffer("order")}};
}

TEST(Flight, EveryEventComesBackAsItWas) {
  const std::vector<Event> events = one_of_each();
  ASSERT_EQ(events.size(), std::variant_size_v<Event>);
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].index(), i);
    const Bytes bytes = encode(events[i]);
    const auto back = decode_event(bytes);
    ASSERT_TRUE(back) << event_name(events[i]);
    EXPECT_EQ(encode(*back), bytes);
    EXPECT_EQ(event_digest(*back), event_digest(events[i])) << event_name(events[i]);
  }
}

TEST(Flight, EveryRecordComesBackAsItWas) {
  const FlightBoot boot{.node = 4, .boot = 2, .random_seed = 99, .store_identity = 5,
                        .store_sequence = 6, .device_class = 1, .wall_error = Duration{8},
                        .self = "/ip4/127.0.0.1/tcp/9", .mono = Time{1}, .wall = Time{2}};
  const FlightAnswered answered{{SendStatus::kQueued, SendStatus::kTooLarge}, {3, 4}, {5, 6}};
  for (const FlightRecord& record :
       {FlightRecord(boot), FlightRecord(FlightHeard{Time{3}, Time{4}, one_of_each()[0]}),
        FlightRecord(answered), FlightRecord(FlightStop{})}) {
    const Bytes bytes = encode(record);
    const auto back = decode_flight(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->index(), record.index());
    EXPECT_EQ(encode(*back), bytes);
  }
}

TEST(Flight, AnotherVersionIsRefused) {
  const Bytes bytes = encode(FlightRecord(FlightBoot{.version = kFlightVersion + 1}));
  const auto back = decode_flight(bytes);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, ErrorCode::kUnsupported);
}

TEST(Flight, WhatIsCutOrOverlongIsMalformed) {
  for (const Event& event : one_of_each()) {
    Bytes bytes = encode(event);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_event(ByteView(bytes).first(size)));
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode_event(bytes));
  }
  EXPECT_FALSE(decode_event(Bytes{200}));
  EXPECT_FALSE(decode_flight(Bytes{200}));
}

}  // namespace
}  // namespace orrery::env
