#include "harness/testnet/rpc/gate.h"

#include <algorithm>

namespace orrery::testnet {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return false;
    const std::string_view number = text.substr(0, dot);
    if (!all_digits(number) || number.size() > 3) return false;
    text.remove_prefix(std::min(text.size(), dot + 1));
  }
  return text.empty();
}

bool is_ipv6(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  return text.substr(1, text.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") ==
         std::string_view::npos;
}

}  // namespace

bool host_allowed(std::string_view host) {
  std::string_view name = host;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.back() != ']') {
    if (!all_digits(host.substr(colon + 1))) return false;
    name = host.substr(0, colon);
  }
  return name == "localhost" || is_ipv4(name) || is_ipv6(name);
}

bool origin_allowed(std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && origin.substr(scheme.size()) == host) return true;
  }
  return false;
}

RateLimiter::Bucket& RateLimiter::bucket(const std::string& address, Time now) {
  const auto it = buckets_.find(address);
  if (it != buckets_.end()) {
    const double seconds = static_cast<double>((now - it->second.filled).ns) * 1e-9;
    it->second.tokens = std::min<double>(per_second_, it->second.tokens + seconds * per_second_);
    it->second.filled = now;
    return it->second;
  }
  if (buckets_.size() >= kMaxAddresses) forget_idle(now);
  return buckets_[address] = {static_cast<double>(per_second_), now};
}

void RateLimiter::forget_idle(Time now) {
  // A second without a call fills a bucket that owes nothing: forgetting it changes nothing.
  std::erase_if(buckets_, [&](const auto& item) {
    return now - item.second.filled > Duration::seconds(1) && item.second.tokens >= 0;
  });
  // More addresses than that in one second: all start anew rather than that memory grows.
  if (buckets_.size() >= kMaxAddresses) buckets_.clear();
}

bool RateLimiter::allow(const std::string& address, Time now) {
  Bucket& mine = bucket(address, now);
  if (mine.tokens < 1) return false;
  mine.tokens -= 1;
  return true;
}

void RateLimiter::charge(const std::string& address, std::uint64_t cost) {
  const auto it = buckets_.find(address);
  if (it != buckets_.end()) it->second.tokens -= static_cast<double>(cost);
}

}  // namespace orrery::testnet
