// What commands say to a supervisor: one JSON object a line over control.sock, one answer a line.
//   {"do":"status"}                           {"ok":true,"nodes":[...],"faults":[...],"load":{...}}
//   {"do":"wait","for":"ready"|"final","timeout_ms":N}   answered when it holds, or fails
//   {"do":"stop","nodes":[..]}  {"do":"start","nodes":[..]}        [] means all
//   {"do":"fault","item":"do: partition, ..."}  {"do":"kill"|"pause"|"resume","nodes":[..]}
//   {"do":"clear","fault":"name"|"all"}         {"do":"load","rate":X}     0 stops it
//   {"do":"down"}                             all nodes end, then the supervisor
// A refusal is {"ok":false,"error":"...","code":N} with the command's exit code.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "harness/testnet/home.h"

namespace orrery::testnet {

// Sends one order and waits for its answer. kNotFound: no supervisor listens there. kIo: it went
// away. kLimit: no answer within `timeout`.
Result<std::string> ask(const Home& home, const std::string& order, Duration timeout);

// Returns once no supervisor holds the home's lock any more.
void wait_until_unlocked(const Home& home);

// A listening socket at the home's path, however long that is. The caller owns the descriptor.
Result<int> listen_at(const Home& home);

}  // namespace orrery::testnet
