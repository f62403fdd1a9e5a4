#include <fmt/format.h>

#include <string_view>

#include "engine/live/transport.h"

namespace orrery::live {
namespace {

// Takes a decimal number of at most `max`, one spelling each: no sign, no leading zero.
bool take_number(std::string_view& text, std::uint32_t max, std::uint32_t& value) {
  std::size_t digits = 0;
  value = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + static_cast<std::uint32_t>(text[digits] - '0');
    if (value > max || (digits == 1 && text[0] == '0')) return false;
    ++digits;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Result<Endpoint> parse_endpoint(const env::Address& address) {
  std::string_view text = address.text;
  std::uint32_t part[4] = {}, port = 0;
  bool good = take(text, "/ip4/");
  for (int i = 0; i < 4; ++i) {
    good = good && (i == 0 || take(text, ".")) && take_number(text, 255, part[i]);
  }
  good = good && take(text, "/tcp/") && take_number(text, 65535, port) && port != 0;
  if (!good || !text.empty()) {
    return fail(ErrorCode::kMalformed,
                fmt::format("an address like /ip4/127.0.0.1/tcp/4000 was expected, not \"{}\"",
                            address.text.substr(0, 64)));
  }
  return Endpoint{fmt::format("{}.{}.{}.{}", part[0], part[1], part[2], part[3]),
                  static_cast<std::uint16_t>(port)};
}

env::Address to_address(const Endpoint& endpoint) {
  return {fmt::format("/ip4/{}/tcp/{}", endpoint.ip, endpoint.port)};
}

}  // namespace orrery::live
