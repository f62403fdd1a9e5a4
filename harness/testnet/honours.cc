#include "harness/testnet/honours.h"

#include <fmt/format.h>

namespace orrery::testnet {
namespace {

using scenario::ClockMode;
using scenario::CrashDisk;
using scenario::FaultKind;
using scenario::FaultSpec;
using scenario::LinkSpec;

Status refuse(const std::string& place, std::string_view key, std::string_view why) {
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}.{}: a live network {}; simulate it with orrery run, or leave it out",
                          place, key, why));
}

// What links of a live network, or of namespaces, have no means for.
Status plain_link(const LinkSpec& link, const std::string& place) {
  constexpr std::string_view kWhy = "can delay, lose and slow down messages only";
  if (link.duplicate_ppm != 0) return refuse(place, "duplicate", kWhy);
  if (link.jitter > Duration{}) return refuse(place, "jitter", kWhy);
  if (link.reorder_ppm != 0) return refuse(place, "reorder", kWhy);
  if (link.corrupt_ppm != 0) return refuse(place, "corrupt", kWhy);
  if (link.queue_bytes != 0) return refuse(place, "queue", kWhy);
  return {};
}

}  // namespace

Status can_honour(const FaultSpec& fault) {
  const std::string place = "timeline." + fault.name;
  switch (fault.kind) {
    case FaultKind::kPartition:
    case FaultKind::kBehave: return {};
    case FaultKind::kCrash:
      if (fault.disk_loss == CrashDisk::kLoseUnsynced || fault.disk_loss == CrashDisk::kWipe) {
        return {};
      }
      return refuse(place, "disk", "loses what its system has not written, or all (wipe)");
    case FaultKind::kClock:
      if (fault.clock == ClockMode::kOffset || fault.clock == ClockMode::kStep) return {};
      return refuse(place, "mode", "can move wall clocks at once only (offset, step)");
    case FaultKind::kLink: return plain_link(fault.link, place);
    case FaultKind::kDisk:
      return refuse(place, "do", "has real disks, which do not fail on demand");
    case FaultKind::kClog:
    case FaultKind::kReset:
    case FaultKind::kHalfOpen: return refuse(place, "do", "cannot hold or break single sessions");
    case FaultKind::kChurn: return refuse(place, "do", "does not draw when nodes leave");
  }
  return {};
}

Status can_honour(const scenario::Scenario& scenario, bool with_timeline) {
  const scenario::TopologyKind kind = scenario.network.topology.kind;
  if (kind != scenario::TopologyKind::kComplete && kind != scenario::TopologyKind::kGeographic) {
    return refuse("network", "topology", "joins every pair of nodes directly");
  }
  if (scenario.buggify_ppm > 0) {
    return refuse("debug", "buggify", "does nothing rare on purpose");
  }
  for (const scenario::DeviceSpec& device : scenario.devices) {
    const std::string place = "devices." + device.name;
    const std::pair<std::string_view, Duration> costs[] = {
        {"cpu_message", device.cpu_message}, {"cpu_byte", device.cpu_byte},
        {"cpu_timer", device.cpu_timer},     {"cpu_request", device.cpu_request},
        {"cpu_session", device.cpu_session}, {"cpu_completion", device.cpu_completion}};
    for (const auto& [key, time] : costs) {
      if (time > Duration{}) return refuse(place, key, "has real processors");
    }
  }
  if (scenario.live.provider == scenario::LiveProvider::kNetns) {
    TRY(plain_link(scenario.network.link, "network"));
    for (const auto& between : scenario.network.overrides) {
      TRY(plain_link(between.link, "network.between"));
    }
  }
  if (!with_timeline) return {};
  for (const FaultSpec& fault : scenario.timeline) TRY(can_honour(fault));
  return {};
}

}  // namespace orrery::testnet
