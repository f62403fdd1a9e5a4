#include "scenarios/schema/expression.h"

#include <fmt/format.h>

#include <cctype>
#include <optional>
#include <set>
#include <string>

#include "scenarios/schema/quantity.h"

namespace orrery::scenario {
namespace {

constexpr int kMaxExpressionDepth = 32;        // parentheses; real ones have two or three
constexpr std::size_t kMaxVariableDepth = 32;  // a variable that names one that names one ...
constexpr ErrorCode kReported = ErrorCode::kRefused;  // the variable itself was reported before
constexpr std::size_t kMaxTextAfter = 1 << 16;        // a variable inserted many times stays small

// A fraction with a unit; den > 0, reduced.
struct Number {
  i128 num = 0;
  i128 den = 1;
  std::string unit;
};

i128 gcd(i128 a, i128 b) {
  while (b != 0) {
    const i128 r = a % b;
    a = b;
    b = r;
  }
  return a < 0 ? -a : a;
}

Result<Number> reduce(Number n) {
  if (n.den < 0) {
    n.num = -n.num;
    n.den = -n.den;
  }
  const i128 g = gcd(n.num, n.den);
  if (g > 1) {
    n.num /= g;
    n.den /= g;
  }
  return n;
}

Error bad(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// Durations in ns and sizes in B if the units differ, so that 1m + 5s works.
Status to_common_unit(Number& a, Number& b) {
  if (a.unit == b.unit) return {};
  for (Dimension dimension : {Dimension::kDuration, Dimension::kSize}) {
    const auto fa = unit_factor(a.unit, dimension);
    const auto fb = unit_factor(b.unit, dimension);
    if (!fa || !fb) continue;
    if (__builtin_mul_overflow(a.num, *fa, &a.num) || __builtin_mul_overflow(b.num, *fb, &b.num)) {
      return tl::unexpected<Error>(bad("the numbers are too large"));
    }
    a.unit = b.unit = dimension == Dimension::kDuration ? "ns" : "B";
    return {};
  }
  return tl::unexpected<Error>(
      bad(fmt::format("'{}' and '{}' do not add up", a.unit.empty() ? "a bare number" : a.unit,
                      b.unit.empty() ? "a bare number" : b.unit)));
}

Result<Number> combine(Number a, Number b, char op) {
  const Error overflow = bad("the numbers are too large");
  if (op == '+' || op == '-') {
    TRY(to_common_unit(a, b));
    i128 x = 0, y = 0, den = 0, num = 0;
    if (__builtin_mul_overflow(a.num, b.den, &x) || __builtin_mul_overflow(b.num, a.den, &y) ||
        __builtin_mul_overflow(a.den, b.den, &den) ||
        (op == '+' ? __builtin_add_overflow(x, y, &num) : __builtin_sub_overflow(x, y, &num))) {
      return tl::unexpected<Error>(overflow);
    }
    return reduce({num, den, a.unit});
  }
  if (op == '/') {
    if (b.num == 0) return tl::unexpected<Error>(bad("division by zero"));
    if (!b.unit.empty()) {
      TRY(to_common_unit(a, b));
      a.unit.clear();
      b.unit.clear();
    }
    std::swap(b.num, b.den);
  } else if (!a.unit.empty() && !b.unit.empty()) {
    return tl::unexpected<Error>(bad(fmt::format("cannot multiply '{}' by '{}'", a.unit, b.unit)));
  }
  Number out{.unit = a.unit.empty() ? b.unit : a.unit};
  if (__builtin_mul_overflow(a.num, b.num, &out.num) ||
      __builtin_mul_overflow(a.den, b.den, &out.den)) {
    return tl::unexpected<Error>(overflow);
  }
  return reduce(out);
}

Result<Number> to_number(std::string_view text) {
  ASSIGN_OR_RETURN(RawQuantity raw, parse_raw_quantity(text));
  Number out{.num = raw.digits, .unit = std::move(raw.unit)};
  for (std::uint32_t i = 0; i < raw.scale; ++i) out.den *= 10;
  return reduce(out);
}

Result<std::string> to_text(const Number& n) {
  std::uint32_t scale = 0;
  i128 num = n.num;
  // Multiply by ten until the denominator divides; 2 and 5 are its only factors if it ever does.
  while (num % n.den != 0) {
    constexpr std::uint32_t kMaxScale = 18;
    if (++scale > kMaxScale || __builtin_mul_overflow(num, static_cast<i128>(10), &num)) {
      return tl::unexpected<Error>(bad(
          fmt::format("{}/{} has no finite decimal form", to_decimal(n.num), to_decimal(n.den))));
    }
  }
  const i128 value = num / n.den;
  std::string digits = to_decimal(value < 0 ? -value : value);
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, ".");
  const bool word = n.unit.size() > 1 && std::isupper(static_cast<unsigned char>(n.unit[0])) != 0;
  return (value < 0 ? "-" : "") + digits + (word ? " " : "") + n.unit;
}

class Variables {
 public:
  Variables(Node* vars, Diagnostics& diagnostics) : vars_(vars), diagnostics_(diagnostics) {}

  // Replaces what `${` holds in one scalar; reports at its place.
  void substitute(Node& node, const std::string& path) {
    if (node.text.find("${") == std::string::npos) return;
    Result<std::string> text = expand(node.text);
    if (!text) {
      if (text.error().code != kReported) diagnostics_.add(node.mark, path, text.error().message);
      node.kind = Node::Kind::kBad;
      return;
    }
    node.text = std::move(*text);
    node.plain = true;
  }

  void walk(Node& node, const std::string& path) {
    if (node.kind == Node::Kind::kScalar) substitute(node, path);
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      walk(node.items[i], item_path(path, node.items[i], i));
    }
    for (Entry& entry : node.entries) {
      walk(entry.value, join_path(path, entry.key));
    }
  }

 private:
  Result<std::string> expand(const std::string& text) {
    std::string out;
    std::size_t at = 0;
    for (;;) {
      const std::size_t open = text.find("${", at);
      out.append(text, at, open == std::string::npos ? open : open - at);
      if (open == std::string::npos) return out;
      const std::size_t close = text.find('}', open);
      if (close == std::string::npos) return tl::unexpected<Error>(bad("'${' without '}'"));
      ASSIGN_OR_RETURN(const std::string value, inner(text.substr(open + 2, close - open - 2)));
      out += value;
      if (out.size() > kMaxTextAfter) {
        return tl::unexpected<Error>(bad("the text grows too long"));
      }
      at = close + 1;
    }
  }

  // `${name}` inserts the variable's text as it is; anything else is arithmetic.
  Result<std::string> inner(const std::string& text) {
    rest_ = text;
    skip();
    const std::string name = word();
    skip();
    if (!name.empty() && rest_.empty()) return lookup(name);
    rest_ = text;
    ASSIGN_OR_RETURN(const Number value, sum(0));
    skip();
    if (!rest_.empty()) {
      return tl::unexpected<Error>(
          bad(fmt::format("'{}' is not understood in '${{{}}}'", rest_, text)));
    }
    return to_text(value);
  }

  Result<std::string> lookup(const std::string& name) {
    Node* node = vars_ != nullptr ? vars_->find(name) : nullptr;
    if (node == nullptr) {
      std::vector<std::string> known;
      if (vars_ != nullptr) {
        for (const Entry& entry : vars_->entries) known.push_back(entry.key);
      }
      const std::string hint = suggest(name, known);
      return tl::unexpected<Error>(
          bad(fmt::format("unknown variable '{}'{}", name, hint.empty() ? "" : " (" + hint + ")")));
    }
    if (node->kind == Node::Kind::kBad) return tl::unexpected<Error>(Error{kReported, {}});
    if (node->kind != Node::Kind::kScalar) {
      return tl::unexpected<Error>(bad(fmt::format("variable '{}' is not a single value", name)));
    }
    if (node->text.find("${") == std::string::npos) return node->text;
    if (open_.size() >= kMaxVariableDepth) {
      return tl::unexpected<Error>(bad("variables refer to one another too deeply"));
    }
    if (!open_.insert(name).second) {
      return tl::unexpected<Error>(bad(fmt::format("variable '{}' refers to itself", name)));
    }
    const std::string outer = rest_;
    Result<std::string> text = expand(node->text);
    rest_ = outer;
    open_.erase(name);
    if (text) node->text = *text;
    return text;
  }

  Result<Number> sum(int depth) {
    ASSIGN_OR_RETURN(Number left, product(depth));
    for (skip(); !rest_.empty() && (rest_[0] == '+' || rest_[0] == '-'); skip()) {
      const char op = take();
      ASSIGN_OR_RETURN(const Number right, product(depth));
      ASSIGN_OR_RETURN(left, combine(left, right, op));
    }
    return left;
  }
  Result<Number> product(int depth) {
    ASSIGN_OR_RETURN(Number left, atom(depth));
    for (skip(); !rest_.empty() && (rest_[0] == '*' || rest_[0] == '/'); skip()) {
      const char op = take();
      ASSIGN_OR_RETURN(const Number right, atom(depth));
      ASSIGN_OR_RETURN(left, combine(left, right, op));
    }
    return left;
  }
  Result<Number> atom(int depth) {
    skip();
    if (depth > kMaxExpressionDepth) {
      return tl::unexpected<Error>(bad("the expression is nested too deeply"));
    }
    if (!rest_.empty() && rest_[0] == '(') {
      take();
      ASSIGN_OR_RETURN(const Number value, sum(depth + 1));
      skip();
      if (rest_.empty() || take() != ')') return tl::unexpected<Error>(bad("a ')' is missing"));
      return value;
    }
    const std::string name = word();
    if (!name.empty()) {
      ASSIGN_OR_RETURN(const std::string text, lookup(name));
      auto number = to_number(text);
      if (!number) {
        return tl::unexpected<Error>(bad(fmt::format("variable '{}' is not a number", name)));
      }
      return number;
    }
    return literal();
  }
  // A number, then its unit: letters and %, with at most one space before a currency.
  Result<Number> literal() {
    std::size_t end = 0;
    const auto digit = [&] {
      return end < rest_.size() &&
             (std::isdigit(static_cast<unsigned char>(rest_[end])) != 0 || rest_[end] == '.');
    };
    const auto letter = [&](std::size_t i) {
      return i < rest_.size() &&
             (std::isalpha(static_cast<unsigned char>(rest_[i])) != 0 || rest_[i] == '%');
    };
    while (digit()) ++end;
    if (end > 0 && end < rest_.size() && rest_[end] == ' ' && letter(end + 1)) ++end;
    while (letter(end)) ++end;
    if (end == 0) {
      return tl::unexpected<Error>(bad(fmt::format("a number or a variable is missing{}{}",
                                                   rest_.empty() ? "" : " before ", rest_)));
    }
    const std::string text = rest_.substr(0, end);
    rest_.erase(0, end);
    return to_number(text);
  }

  void skip() { rest_.erase(0, rest_.find_first_not_of(' ')); }
  char take() {
    const char c = rest_[0];
    rest_.erase(0, 1);
    return c;
  }
  std::string word() {
    std::size_t end = 0;
    while (end < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[end])) != 0 || rest_[end] == '_'))
      ++end;
    if (end == 0 || std::isdigit(static_cast<unsigned char>(rest_[0])) != 0) return {};
    const std::string out = rest_.substr(0, end);
    rest_.erase(0, end);
    return out;
  }

  Node* vars_;
  Diagnostics& diagnostics_;
  std::string rest_;            // of the expression under way
  std::set<std::string> open_;  // variables being expanded, to see circles
};

bool is_variable_name(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) return false;
  for (char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return true;
}

}  // namespace

void substitute_variables(Node& root, Diagnostics& diagnostics) {
  Node* vars = root.find("vars");
  if (vars != nullptr && vars->kind != Node::Kind::kMap) {
    if (vars->kind != Node::Kind::kBad) {
      diagnostics.add(vars->mark, "vars", "expected a map of names to values");
    }
    vars = nullptr;
  }
  Variables variables(vars, diagnostics);
  if (vars != nullptr) {
    for (const Entry& entry : vars->entries) {
      const std::string path = join_path("vars", entry.key);
      if (!is_variable_name(entry.key)) {
        diagnostics.add(entry.mark, path, "a variable's name is letters, digits and '_'");
      }
      if (entry.value.kind == Node::Kind::kList || entry.value.kind == Node::Kind::kMap) {
        diagnostics.add(entry.value.mark, path, "a variable is a single value");
      }
    }
    variables.walk(*vars, "vars");
  }
  variables.walk(root, "");
}

}  // namespace orrery::scenario
