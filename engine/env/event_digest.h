// What an event says, as words of a digest chain: the same for every node that hears the same.
#pragma once

#include <string_view>

#include "engine/env/digest_chain.h"
#include "engine/env/events.h"

namespace orrery::env {

// Adds the event's fields, in order, but not its kind (Event::index), to `chain`.
void add_fields(DigestChain& chain, const Event& event);
// Of kind and fields.
Digest128 event_digest(const Event& event);
// Name of the event's kind, for people.
std::string_view event_name(const Event& event);

}  // namespace orrery::env
