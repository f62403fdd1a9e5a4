#include "harness/sweep/passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "scenarios/schema/quantity.h"

namespace orrery::sweep {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

using Proposals = std::vector<Document>;

std::optional<std::int64_t> seconds_of(const Document& value) {
  if (!value.is_string()) return std::nullopt;
  std::string text = value.get<std::string>();
  if (text.starts_with("t+")) text = text.substr(2);
  const auto ns = scenario::parse_quantity(text, scenario::Dimension::kDuration);
  if (!ns) return std::nullopt;
  return static_cast<std::int64_t>(*ns / kSecond);
}

std::int64_t count_of(const Document& group) {
  return group.contains("count") && group["count"].is_number_integer()
             ? group["count"].get<std::int64_t>()
             : 1;
}

Document end_at(Document document, std::int64_t seconds) {
  document["until"] = fmt::format("{}s", seconds);
  return document;
}

// The run ends a little after the failure, or, while smaller worlds may still fail later, a good
// while after it; asserts and faults behind that go.
enum class Slack { kMuch, kLittle };
Proposals end_sooner(const Document& document, Time failed_at, Slack slack) {
  const auto until = seconds_of(document["until"]);
  const std::int64_t failed = failed_at.ns / kSecond;
  const std::int64_t end = slack == Slack::kLittle ? failed + 2 : 2 * failed + 60;
  if (!until || *until <= end) return {};
  Document shorter = end_at(document, end);
  for (const char* key : {"timeline", "asserts"}) {
    if (!shorter.contains(key)) continue;
    Document kept = Document::array();
    for (const Document& item : shorter[key]) {
      const char* when = item.contains("at") ? "at" : "after";
      const auto at = item.contains(when) ? seconds_of(item[when]) : std::nullopt;
      if (!at || *at < end) kept.push_back(item);
    }
    shorter[key] = std::move(kept);
  }
  return {std::move(shorter)};
}

// A list without some of its items: all at once, halves, single ones.
Proposals drop_items(const Document& document, const char* key, const std::string& keep) {
  Proposals proposals;
  if (!document.contains(key) || !document[key].is_array()) return proposals;
  const Document& list = document[key];
  for (const auto& [begin, end] : check::ranges_to_drop(list.size())) {
    Document kept = Document::array();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const bool needed = !keep.empty() && list[i].value("name", "") == keep;
      if (i < begin || i >= end || needed) kept.push_back(list[i]);
    }
    if (kept.size() == list.size()) continue;
    Document smaller = document;
    if (kept.empty()) {
      smaller.erase(key);
    } else {
      smaller[key] = std::move(kept);
    }
    proposals.push_back(std::move(smaller));
  }
  return proposals;
}

// The parts of a selector that are joined by '|'.
std::vector<std::string> parts_of(const std::string& selector) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= selector.size();) {
    const std::size_t end = std::min(selector.find('|', begin), selector.size());
    std::string part = selector.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

// A selector without one of its parts; nothing if it has no other.
std::optional<std::string> without(const std::string& selector, const std::string& part) {
  std::vector<std::string> kept = parts_of(selector);
  std::erase(kept, part);
  if (kept.empty()) return std::nullopt;
  return fmt::format("{}", fmt::join(kept, " | "));
}

// The document without a node in any of its faults' selectors; faults of that node alone go.
Document forget_node(Document document, const std::string& name) {
  if (!document.contains("timeline")) return document;
  Document kept = Document::array();
  for (Document item : document["timeline"]) {
    bool whole = true;
    if (item.contains("targets") && item["targets"].is_string()) {
      const auto targets = without(item["targets"].get<std::string>(), name);
      whole = targets.has_value();
      if (targets) item["targets"] = *targets;
    }
    if (item.contains("sides") && item["sides"].is_array()) {
      for (Document& side : item["sides"]) {
        const auto rest = side.is_string() ? without(side.get<std::string>(), name) : std::nullopt;
        whole = whole && rest.has_value();
        if (rest) side = *rest;
      }
    }
    if (whole) kept.push_back(std::move(item));
  }
  document["timeline"] = std::move(kept);
  return document;
}

// Without a group, or with the last nodes of one gone.
Proposals drop_nodes(const Document& document) {
  Proposals proposals;
  if (!document.contains("groups")) return proposals;
  for (std::size_t g = 0; g < document["groups"].size(); ++g) {
    const Document& group = document["groups"][g];
    const std::int64_t count = count_of(group);
    for (const std::int64_t left : {std::int64_t{0}, count / 2, count - 1}) {
      if (left < 0 || left >= count) continue;
      Document smaller = document;
      for (std::int64_t i = left; i < count; ++i) {
        smaller = forget_node(std::move(smaller), fmt::format("{}-{}", group.value("name", ""), i));
      }
      if (left == 0) {
        smaller["groups"].erase(g);
      } else {
        smaller["groups"][g]["count"] = left;
      }
      proposals.push_back(std::move(smaller));
    }
  }
  return proposals;
}

// Faults of fewer nodes.
Proposals fewer_targets(const Document& document) {
  Proposals proposals;
  if (!document.contains("timeline")) return proposals;
  for (std::size_t i = 0; i < document["timeline"].size(); ++i) {
    const Document& item = document["timeline"][i];
    if (!item.contains("targets") || !item["targets"].is_string()) continue;
    const std::string targets = item["targets"].get<std::string>();
    for (const std::string& part : parts_of(targets)) {
      if (const auto rest = without(targets, part)) {
        Document smaller = document;
        smaller["timeline"][i]["targets"] = *rest;
        proposals.push_back(std::move(smaller));
      }
    }
  }
  return proposals;
}

// Whatever the language has a default for, at any depth of `key`.
Proposals drop_keys(const Document& document, const char* key) {
  Proposals proposals;
  if (!document.contains(key)) return proposals;
  Document all = document;
  all.erase(key);
  proposals.push_back(std::move(all));
  if (!document[key].is_object()) return proposals;
  for (const auto& [name, value] : document[key].items()) {
    Document smaller = document;
    smaller[key].erase(name);
    proposals.push_back(std::move(smaller));
    if (!value.is_object() || value.size() < 2) continue;
    for (const auto& [inner, ignored] : value.items()) {
      Document finer = document;
      finer[key][name].erase(inner);
      proposals.push_back(std::move(finer));
    }
  }
  return proposals;
}

// Faults that last half as long and begin at rounder instants.
Proposals rounder_times(const Document& document) {
  Proposals proposals;
  if (!document.contains("timeline")) return proposals;
  const auto propose = [&](std::size_t i, const char* key, const std::string& text) {
    Document rounder = document;
    rounder["timeline"][i][key] = text;
    proposals.push_back(std::move(rounder));
  };
  for (std::size_t i = 0; i < document["timeline"].size(); ++i) {
    const Document& item = document["timeline"][i];
    for (const char* key : {"for", "restart_after"}) {
      const auto lasts = item.contains(key) ? seconds_of(item[key]) : std::nullopt;
      if (lasts && *lasts > 1) propose(i, key, fmt::format("{}s", (*lasts + 1) / 2));
    }
    const std::int64_t at = item.contains("at") ? seconds_of(item["at"]).value_or(0) : 0;
    for (const std::int64_t step : {60, 10}) {
      if (at % step != 0) propose(i, "at", fmt::format("t+{}s", at / step * step));
    }
  }
  return proposals;
}

Proposals plainer(const Document& document) {
  Proposals proposals;
  const auto propose = [&](auto&& change) {
    Document other = document;
    change(other);
    if (other != document) proposals.push_back(std::move(other));
  };
  propose([](Document& d) { d["network"] = {{"latency", "50ms"}}; });
  propose([](Document& d) { d["models"] = {{{"name", "small"}}}; });
  propose([](Document& d) { d["seed"] = 1; });
  return proposals;
}

}  // namespace

std::vector<check::ShrinkPass<Document>> shrink_passes(std::function<Time()> failed_at,
                                                       std::string keep) {
  const auto list = [](const char* key, std::string needed = {}) {
    return [key, needed](const Document& d) { return drop_items(d, key, needed); };
  };
  const auto keys = [](const char* key) {
    return [key](const Document& d) { return drop_keys(d, key); };
  };
  const auto end = [failed_at](Slack slack) {
    return [=](const Document& d) { return end_sooner(d, failed_at(), slack); };
  };
  return {end(Slack::kMuch),
          list("timeline"),
          keys("debug"),
          drop_nodes,
          list("load"),
          list("asserts", std::move(keep)),
          fewer_targets,
          keys("network"),
          keys("chain"),
          rounder_times,
          plainer,
          keys("metrics"),
          keys("about"),
          end(Slack::kLittle)};
}

}  // namespace orrery::sweep
