#include "scenarios/schema/selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "engine/base/random.h"
#include "scenarios/schema/diagnostics.h"
#include "scenarios/schema/quantity.h"

namespace orrery::scenario {
namespace {

using NodeSet = std::vector<std::uint32_t>;  // ascending

constexpr int kMaxDepth = 32;  // nested parentheses and samples
constexpr std::array<std::string_view, 5> kRoles = {"bootstrap", "validator", "miner", "user",
                                                    "full"};

tl::unexpected<Error> bad(std::string message) {
  return tl::unexpected<Error>(Error{ErrorCode::kInvalidArgument, std::move(message)});
}

class Parser {
 public:
  Parser(std::string_view text, const SelectorSource& source)
      : text_(text),
        source_(source),
        stream_(source.seed, stream_id(source.path), stream_id("scenario.sample")) {}

  Result<NodeSet> parse() {
    ASSIGN_OR_RETURN(NodeSet set, expression(0));
    skip();
    if (at_ < text_.size())
      return bad(fmt::format("'{}' is not understood{}", rest(), minus_hint()));
    return set;
  }

 private:
  Result<NodeSet> expression(int depth) {
    if (depth > kMaxDepth) return bad("the selector is nested too deeply");
    ASSIGN_OR_RETURN(NodeSet left, term(depth));
    for (skip(); at_ < text_.size() && (text_[at_] == '|' || text_[at_] == '-'); skip()) {
      const char op = text_[at_++];
      ASSIGN_OR_RETURN(const NodeSet right, term(depth));
      NodeSet out;
      if (op == '|') {
        std::set_union(left.begin(), left.end(), right.begin(), right.end(),
                       std::back_inserter(out));
      } else {
        std::set_difference(left.begin(), left.end(), right.begin(), right.end(),
                            std::back_inserter(out));
      }
      left = std::move(out);
    }
    return left;
  }

  Result<NodeSet> term(int depth) {
    ASSIGN_OR_RETURN(NodeSet left, factor(depth));
    for (skip(); at_ < text_.size() && text_[at_] == '&'; skip()) {
      ++at_;
      ASSIGN_OR_RETURN(const NodeSet right, factor(depth));
      NodeSet out;
      std::set_intersection(left.begin(), left.end(), right.begin(), right.end(),
                            std::back_inserter(out));
      left = std::move(out);
    }
    return left;
  }

  Result<NodeSet> factor(int depth) {
    if (accept('(')) {
      ASSIGN_OR_RETURN(NodeSet set, expression(depth + 1));
      TRY(expect(')'));
      return set;
    }
    const std::string word = name();
    if (word.empty()) {
      return bad(rest().empty() ? "a set of nodes is missing at the end"
                                : fmt::format("a set of nodes is missing before '{}'", rest()));
    }
    if (!accept('(')) {
      if (word == "all") return where([](const NodeSpec&) { return true; });
      return one_node(word);
    }
    if (word == "sample") return sample(depth);
    if (word != "group" && word != "role" && word != "region") {
      return bad(fmt::format("unknown function '{}' ({}){}", word,
                             suggest(word, {"group", "role", "region", "sample"}), minus_hint()));
    }
    const std::string argument = name();
    TRY(expect(')'));
    if (word == "role") return by_role(argument);
    ASSIGN_OR_RETURN(
        NodeSet set,
        by_label(argument, word == "group" ? &NodeSpec::group : &NodeSpec::region, word));
    return word == "group" && accept('[') ? range(argument, std::move(set)) : set;
  }

  // sample( was read; draws without replacement.
  Result<NodeSet> sample(int depth) {
    ASSIGN_OR_RETURN(NodeSet set, expression(depth + 1));
    TRY(expect(','));
    skip();
    const std::size_t close = text_.find(')', at_);
    if (close == std::string_view::npos) return bad("sample( lacks a ')'");
    std::string amount(text_.substr(at_, close - at_));
    while (!amount.empty() && amount.back() == ' ') amount.pop_back();
    at_ = close + 1;
    const bool share = amount.find_first_of("%.") != std::string::npos;
    ASSIGN_OR_RETURN(const i128 value,
                     parse_quantity(amount, share ? Dimension::kPpm : Dimension::kCount));
    const i128 size = static_cast<i128>(set.size());
    constexpr i128 kWhole = 1'000'000;
    if (value < 0 || value > kWhole)
      return bad(fmt::format("a sample of {} is not possible", amount));
    const i128 wanted = share ? (size * value + kWhole - 1) / kWhole : value;
    if (wanted > size) return bad(fmt::format("a sample of {} from {} nodes", amount, set.size()));
    const auto count = static_cast<std::size_t>(wanted);
    for (std::size_t i = 0; i < count; ++i) {  // first steps of a Fisher-Yates shuffle
      std::swap(set[i], set[i + static_cast<std::size_t>(stream_.below(set.size() - i))]);
    }
    set.resize(count);
    std::sort(set.begin(), set.end());
    return set;
  }

  // [3] or [0..9], both ends included; '[' was read.
  Result<NodeSet> range(const std::string& group, NodeSet set) {
    ASSIGN_OR_RETURN(const std::size_t first, index());
    std::size_t last = first;
    if (text_.substr(at_).starts_with("..")) {
      at_ += 2;
      ASSIGN_OR_RETURN(last, index());
    }
    TRY(expect(']'));
    if (last < first || last >= set.size()) {
      return bad(fmt::format("group({})[{}..{}] reaches outside of 0..{}", group, first, last,
                             set.size() - 1));
    }
    return NodeSet(set.begin() + static_cast<std::ptrdiff_t>(first),
                   set.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  }

  Result<std::size_t> index() {
    skip();
    const std::size_t start = at_;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    const auto value = parse_decimal(text_.substr(start, at_ - start));
    if (!value || *value > UINT32_MAX) return bad("a position such as 3 or 0..9 is missing in []");
    return static_cast<std::size_t>(*value);
  }

  template <class Predicate>
  NodeSet where(Predicate predicate) const {
    NodeSet out;
    for (std::uint32_t i = 0; i < source_.nodes.size(); ++i) {
      if (predicate(source_.nodes[i])) out.push_back(i);
    }
    return out;
  }

  Result<NodeSet> one_node(const std::string& name) const {
    NodeSet out = where([&](const NodeSpec& node) { return node.name == name; });
    if (!out.empty()) return out;
    std::set<std::string> groups;
    for (const NodeSpec& node : source_.nodes) groups.insert(node.group);
    const std::string hint =
        groups.count(name) != 0 ? fmt::format(" (did you mean 'group({})'?)", name) : "";
    return bad(
        fmt::format("no node is named '{}'{}; nodes are named <group>-<position>", name, hint));
  }

  Result<NodeSet> by_role(const std::string& role) const {
    if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
      return bad(
          fmt::format("unknown role '{}' ({})", role,
                      suggest(role, std::vector<std::string>(kRoles.begin(), kRoles.end()))));
    }
    return where([&](const NodeSpec& node) { return role_name(node.role) == role; });
  }

  Result<NodeSet> by_label(const std::string& wanted, std::string NodeSpec::*label,
                           std::string_view what) const {
    NodeSet out = where([&](const NodeSpec& node) { return node.*label == wanted; });
    if (!out.empty()) return out;
    std::set<std::string> known;
    for (const NodeSpec& node : source_.nodes) {
      if (!(node.*label).empty()) known.insert(node.*label);
    }
    const std::string hint = suggest(wanted, std::vector<std::string>(known.begin(), known.end()));
    return bad(
        fmt::format("no node has {} '{}'{}", what, wanted, hint.empty() ? "" : " (" + hint + ")"));
  }

  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Status expect(char c) {
    if (accept(c)) return {};
    return bad(rest().empty() ? fmt::format("a '{}' is missing at the end (inside {{}} and [] a "
                                            "comma ends the value: use quotes)",
                                            c)
                              : fmt::format("a '{}' is missing before '{}'", c, rest()));
  }
  std::string name() {
    skip();
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '_' || (text_[at_] == '-' && at_ > start))) {
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }
  std::string_view rest() const { return text_.substr(std::min(at_, text_.size())); }
  std::string_view minus_hint() const {
    return text_.find('-') == std::string_view::npos ? "" : "; '-' between sets needs spaces";
  }

  std::string_view text_;
  const SelectorSource& source_;
  RandomStream stream_;
  std::size_t at_ = 0;
};

}  // namespace

std::string_view role_name(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

Result<std::vector<std::uint32_t>> select_nodes(std::string_view text,
                                                const SelectorSource& source) {
  ASSIGN_OR_RETURN(std::vector<std::uint32_t> set, Parser(text, source).parse());
  if (set.empty()) return bad(fmt::format("'{}' selects no node", text));
  return set;
}

}  // namespace orrery::scenario
