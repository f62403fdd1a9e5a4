#include "engine/env/flight.h"

#include "engine/base/codec.h"

namespace orrery::env {
namespace {

constexpr std::size_t kMaxText = 256;
constexpr std::size_t kMaxBytes = (4u << 20) - 4096;  // a full message, a job's output
constexpr std::uint32_t kMaxAnswers = 1 << 20;        // sends of one handler

// One list of fields a type, for both directions.
class Out {
 public:
  void number(std::uint64_t v) { out_.u64(v); }
  void number(std::uint32_t v) { out_.u32(v); }
  void number(std::uint16_t v) { out_.u16(v); }
  void time(Time v) { out_.i64(v.ns); }
  void time(Duration v) { out_.i64(v.ns); }
  void flag(bool v) { out_.boolean(v); }
  void text(const std::string& v) { out_.text(v); }
  void buffer(const Buffer& v) { out_.bytes(v.view()); }
  void key(const NodeKey& v) { out_.array(v); }
  void digest(Digest128 v) { out_.u64(v.lo).u64(v.hi); }
  template <class E>
  void choice(E v, std::uint8_t) {
    out_.u8(static_cast<std::uint8_t>(v));
  }
  Writer& writer() { return out_; }

 private:
  Writer out_;
};

class In {
 public:
  explicit In(ByteView bytes) : in_(bytes) {}
  void number(std::uint64_t& v) { v = in_.u64(); }
  void number(std::uint32_t& v) { v = in_.u32(); }
  void number(std::uint16_t& v) { v = in_.u16(); }
  void time(Time& v) { v.ns = in_.i64(); }
  void time(Duration& v) { v.ns = in_.i64(); }
  void flag(bool& v) { v = in_.boolean(); }
  void text(std::string& v) { v = in_.text(kMaxText); }
  void buffer(Buffer& v) {
    const ByteView bytes = in_.bytes(kMaxBytes);
    v = Buffer(Bytes(bytes.begin(), bytes.end()));
  }
  void key(NodeKey& v) { v = in_.array<32>(); }
  void digest(Digest128& v) {
    v.lo = in_.u64();
    v.hi = in_.u64();
  }
  template <class E>
  void choice(E& v, std::uint8_t last) {
    const std::uint8_t n = in_.u8();
    if (n > last) in_.fail("a value out of range");
    v = static_cast<E>(n);
  }
  Reader& reader() { return in_; }

 private:
  Reader in_;
};

template <class Io, class C>
void cookie(Io& io, C& c) {
  io.number(c.kind);
  io.number(c.a);
  io.number(c.b);
}

template <class Io>
struct Fields {
  Io& io;
  template <class E>
  void operator()(E& e) {
    using T = std::remove_const_t<E>;
    if constexpr (std::is_same_v<T, MessageIn>) {
      io.number(e.from.value);
      io.choice(e.channel, 1);
      io.buffer(e.payload);
    } else if constexpr (std::is_same_v<T, TimerFired>) {
      io.number(e.timer);
      cookie(io, e.cookie);
    } else if constexpr (std::is_same_v<T, Synced>) {
      io.number(e.sequence);
      cookie(io, e.cookie);
      io.flag(e.ok);
    } else if constexpr (std::is_same_v<T, JobDone>) {
      io.number(e.job);
      cookie(io, e.cookie);
      io.choice(e.result.status, 3);
      io.buffer(e.result.output);
      io.number(e.result.work_units);
    } else if constexpr (std::is_same_v<T, PeerUp>) {
      io.number(e.peer.value);
      io.text(e.address.text);
      io.key(e.key);
      io.flag(e.outbound);
    } else if constexpr (std::is_same_v<T, PeerDown>) {
      io.number(e.peer.value);
      io.choice(e.reason, 3);
    } else if constexpr (std::is_same_v<T, DialFailed>) {
      io.text(e.address.text);
    } else if constexpr (std::is_same_v<T, Request>) {
      io.number(e.id);
      io.buffer(e.body);
    } else {
      static_assert(std::is_same_v<T, Admin>);
      io.buffer(e.body);
    }
  }
};

template <class Io, class B>
void boot_fields(Io& io, B& b) {
  io.number(b.version);
  io.number(b.node);
  io.number(b.boot);
  io.number(b.random_seed);
  io.number(b.store_identity);
  io.number(b.store_sequence);
  io.number(b.device_class);
  io.time(b.wall_error);
  io.text(b.self);
  io.time(b.mono);
  io.time(b.wall);
}

void put_event(Out& out, const Event& event) {
  out.writer().u8(static_cast<std::uint8_t>(event.index()));
  std::visit(Fields<Out>{out}, event);
}

template <std::size_t... I>
Event make_event(std::size_t kind, std::index_sequence<I...>) {
  Event event;
  ((kind == I ? void(event.emplace<I>()) : void()), ...);
  return event;
}

Event get_event(In& in) {
  constexpr std::size_t kKinds = std::variant_size_v<Event>;
  const std::uint8_t kind = in.reader().u8();
  if (kind >= kKinds) in.reader().fail("an event of no kind");
  Event event = make_event(kind, std::make_index_sequence<kKinds>());
  std::visit(Fields<In>{in}, event);
  return event;
}

}  // namespace

Bytes encode(const Event& event) {
  Out out;
  put_event(out, event);
  return out.writer().take();
}

Result<Event> decode_event(ByteView bytes) {
  In in(bytes);
  Event event = get_event(in);
  TRY(in.reader().finish());
  return event;
}

Bytes encode(const FlightRecord& record) {
  Out out;
  out.writer().u8(static_cast<std::uint8_t>(record.index()));
  if (const auto* boot = std::get_if<FlightBoot>(&record)) {
    boot_fields(out, *boot);
  } else if (const auto* heard = std::get_if<FlightHeard>(&record)) {
    out.time(heard->mono);
    out.time(heard->wall);
    put_event(out, heard->event);
  } else if (const auto* answered = std::get_if<FlightAnswered>(&record)) {
    out.writer().u32(static_cast<std::uint32_t>(answered->sends.size()));
    for (const SendStatus status : answered->sends) out.choice(status, 0);
    out.writer().u32(static_cast<std::uint32_t>(answered->queued.size()));
    for (const std::uint64_t n : answered->queued) out.number(n);
    out.digest(answered->digest);
  }
  return out.writer().take();
}

Result<FlightRecord> decode_flight(ByteView bytes) {
  In in(bytes);
  FlightRecord record;
  switch (in.reader().u8()) {
    case 0: boot_fields(in, record.emplace<FlightBoot>()); break;
    case 1: {
      auto& heard = record.emplace<FlightHeard>();
      in.time(heard.mono);
      in.time(heard.wall);
      heard.event = get_event(in);
      break;
    }
    case 2: {
      auto& answered = record.emplace<FlightAnswered>();
      answered.sends.resize(in.reader().count(kMaxAnswers, 1));
      for (SendStatus& status : answered.sends) in.choice(status, 3);
      answered.queued.resize(in.reader().count(kMaxAnswers, 8));
      for (std::uint64_t& n : answered.queued) in.number(n);
      in.digest(answered.digest);
      break;
    }
    case 3: record.emplace<FlightStop>(); break;
    default: in.reader().fail("a record of no kind");
  }
  TRY(in.reader().finish());
  if (const auto* boot = std::get_if<FlightBoot>(&record);
      boot && boot->version != kFlightVersion) {
    return fail(ErrorCode::kUnsupported, "a flight log of another version");
  }
  return record;
}

}  // namespace orrery::env
