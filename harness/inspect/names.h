// What the happenings of a world are called, for people: one name each, in lower case, of one or a
// few words. The viewer shows them and `replay --break kind=` takes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/env/events.h"
#include "engine/env/trace.h"

namespace orrery::inspect {

// "block produced"; "unknown" for a kind that no node emits.
std::string_view trace_name(env::TraceKind kind);
// Of an encoded message: "votes"; "unreadable message" if its first byte names none.
std::string_view message_name(ByteView encoded);
// What a timer, a sync or a job was for, by its cookie's kind: "epoch".
std::string_view purpose(std::uint32_t cookie_kind);
// Of what a node hears: "votes", "timer: epoch", "synced: vote", "job done: work", "peer up".
std::string_view heard_name(const env::Event& event);

// All names that the above can give, ascending.
std::vector<std::string> all_names();

}  // namespace orrery::inspect
