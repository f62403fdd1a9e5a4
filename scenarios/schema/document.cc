#include "scenarios/schema/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <sstream>

namespace orrery::scenario {
namespace {

// Words that some YAML readers turn into booleans or nothing; "true" and "false" are the only ones
// with a meaning here.
bool is_trap_word(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kWords = {"yes",  "no",    "on",  "off",
                                                             "true", "false", "null"};
  if (text == "true" || text == "false") return false;
  if (text.size() > 5) return false;
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

class Builder : public YAML::EventHandler {
 public:
  Builder(std::uint32_t file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) report(place(mark), "a scenario file holds one document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_anchor(mark, anchor);
    if (expects_key()) {
      report(place(mark), "an empty key");
      set_key("", place(mark));
      return;
    }
    if (swallow_call_tail()) return;
    Mark where = place(mark);
    if (!stack_.empty() && stack_.back().node.kind == Node::Kind::kMap) {
      where = stack_.back().key_mark;
    }
    if (stack_.empty()) {
      report(where, "the file is empty", "start with 'orrery: 1'");
    } else {
      report(where, "no value", "leave the key out to get its default");
    }
    add(Node{.kind = Node::Kind::kBad, .mark = where});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(place(mark), "aliases (*name) are not allowed", "use vars and ${name}");
    if (expects_key()) return set_key("", place(mark));
    add(Node{.kind = Node::Kind::kBad, .mark = place(mark)});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_anchor(mark, anchor);
    check_tag(mark, tag);
    const bool plain = tag != "!";
    if (!plain) last_quoted_ = place(mark);
    const bool trap = plain && is_trap_word(value);
    if (trap) {
      report(place(mark), fmt::format("'{}' is not a value of this language", value),
             fmt::format("write true or false, or \"{}\" in quotes for text", value));
    }
    if (expects_key()) {
      if (value.empty()) report(place(mark), "an empty key");
      return set_key(value, place(mark));
    }
    add(Node{.kind = trap ? Node::Kind::kBad : Node::Kind::kScalar,
             .mark = place(mark),
             .text = value,
             .plain = plain});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  int documents() const { return documents_; }
  // Where the last quoted scalar starts.
  std::optional<Mark> last_quoted() const { return last_quoted_; }
  Node take() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    bool is_key = false;  // a map or list used as a key: reported, then dropped
    bool have_key = false;
    bool duplicate = false;
    bool in_call = false;  // between '(' and ')' of a call that commas tore apart
    std::string key;
    Mark key_mark;
    std::set<std::string> keys;
  };

  Mark place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }
  bool expects_key() const {
    return !stack_.empty() && stack_.back().node.kind == Node::Kind::kMap &&
           !stack_.back().have_key;
  }
  void report(Mark mark, std::string message, std::string hint = {}) {
    diagnostics_.add(mark, path(), std::move(message), std::move(hint));
  }
  std::string path() const {
    std::string out;
    for (const Frame& frame : stack_) {
      if (frame.node.kind == Node::Kind::kList) {
        out += fmt::format("[{}]", frame.node.items.size());
      } else if (frame.have_key) {
        out = join_path(out, frame.key);
      }
    }
    return out;
  }
  void check_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      report(place(mark), "anchors (&name) are not allowed", "use vars and ${name}");
    }
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      report(place(mark), fmt::format("tags are not allowed: {}", tag));
    }
  }
  // {latency: uniform(1ms, 2ms)} reads as two keys, the second one "2ms)" without a value. Says so
  // once, at the call; true if the key at hand was such a piece.
  bool swallow_call_tail() {
    if (stack_.empty() || !stack_.back().have_key || stack_.back().node.entries.empty()) {
      return false;
    }
    Frame& frame = stack_.back();
    Entry& before = frame.node.entries.back();
    const std::string& text = before.value.text;
    const bool torn =
        before.value.kind == Node::Kind::kScalar && before.value.plain &&
        std::count(text.begin(), text.end(), '(') > std::count(text.begin(), text.end(), ')');
    if (!torn && !frame.in_call) return false;
    if (torn) {
      frame.have_key = false;
      std::string where = join_path(path(), before.key);
      frame.have_key = true;
      diagnostics_.add(before.value.mark, std::move(where),
                       fmt::format("the call '{}, ...' must be in quotes", text),
                       "inside {} and [] a comma ends the value");
      before.value.kind = Node::Kind::kBad;
    }
    frame.in_call = frame.key.find(')') == std::string::npos;
    frame.have_key = false;
    return true;
  }
  void set_key(const std::string& key, Mark mark) {
    Frame& frame = stack_.back();
    frame.duplicate = !frame.keys.insert(key).second;
    frame.have_key = true;
    frame.key = key;
    frame.key_mark = mark;
    if (frame.duplicate && !key.empty()) {
      const Entry* first = nullptr;
      for (const Entry& entry : frame.node.entries) {
        if (entry.key == key) first = &entry;
      }
      report(mark, fmt::format("duplicate key '{}'", key),
             first ? fmt::format("first on line {}", first->mark.line) : std::string());
    }
  }
  void add(Node node) {
    if (stack_.empty()) {
      if (documents_ <= 1) root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == Node::Kind::kList) {
      frame.node.items.push_back(std::move(node));
      return;
    }
    frame.have_key = false;
    if (frame.duplicate || frame.key.empty()) return;
    frame.node.entries.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
  }
  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    check_anchor(mark, anchor);
    check_tag(mark, tag);
    Frame frame{.node = Node{.kind = kind, .mark = place(mark)}, .is_key = expects_key()};
    if (frame.is_key) report(place(mark), "a key must be a plain word");
    stack_.push_back(std::move(frame));
  }
  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    if (frame.is_key) return set_key("", frame.node.mark);
    add(std::move(frame.node));
  }

  std::uint32_t file_;
  Diagnostics& diagnostics_;
  int documents_ = 0;
  std::optional<Mark> last_quoted_;
  std::vector<Frame> stack_;
  Node root_;
};

// Length of the UTF-8 sequence at the start of `text`, 0 if malformed (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t n = lead >= 0xC2 && lead < 0xE0   ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (n == 0 || text.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return n;
}

// Tabs, control characters and broken UTF-8, before the YAML reader sees them. False if the text is
// not worth parsing.
bool check_characters(const std::string& text, std::uint32_t file, Diagnostics& diagnostics) {
  int line = 1;
  int column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const Mark mark{file, line, column};
    const std::size_t length = utf8_length(std::string_view(text).substr(i, 4));
    if (length == 0) {
      diagnostics.add(mark, "", "the file is not UTF-8 text");
      return false;
    }
    if (c == '\t') {
      diagnostics.add(mark, "", "a tab", "indent with spaces");
      return false;
    }
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r') || c == 0x7f) {
      diagnostics.add(mark, "", "a control character");
      return false;
    }
    i += length;
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return true;
}

// The reader takes the end of the file for the end of a quoted text. True if the quote at `mark`
// really ends; block scalars (| and >) need no end.
bool quote_ends(const std::string& text, Mark mark) {
  std::size_t at = 0;
  for (int line = 1; line < mark.line && at != std::string::npos; ++line) {
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos) return true;
  at += static_cast<std::size_t>(mark.column - 1);
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return true;
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 >= text.size() || text[i + 1] != quote) return true;
      ++i;
    }
  }
  return false;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(static_cast<const Node*>(this)->find(key));
}

std::string_view Node::scalar(std::string_view key) const {
  const Node* value = find(key);
  return value != nullptr && value->kind == Kind::kScalar ? value->text : std::string_view();
}

Node parse_document(const std::string& text, std::uint32_t file, Diagnostics& diagnostics) {
  const Mark start{file, 1, 1};
  if (text.size() > kMaxFileBytes) {
    diagnostics.add(start, "", fmt::format("the file exceeds {} bytes", kMaxFileBytes));
    return {};
  }
  if (!check_characters(text, file, diagnostics)) return {};
  Builder builder(file, diagnostics);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& error) {
    const Mark mark =
        error.mark.is_null() ? start : Mark{file, error.mark.line + 1, error.mark.column + 1};
    if (error.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {
      diagnostics.add(mark, "", "aliases (*name) are not allowed", "use vars and ${name}");
    } else {
      diagnostics.add(mark, "", "not well-formed: " + error.msg);
    }
    return {};
  } catch (const std::exception& error) {
    diagnostics.add(start, "", fmt::format("not well-formed: {}", error.what()));
    return {};
  }
  const std::optional<Mark> quoted = builder.last_quoted();
  if (quoted && !quote_ends(text, *quoted)) {
    diagnostics.add(*quoted, "", "not well-formed: the quote that opens here does not end");
    return {};
  }
  if (builder.documents() == 0) {
    diagnostics.add(start, "", "the file is empty", "start with 'orrery: 1'");
  }
  return builder.take();
}

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "a map";
    default: return "a single value";
  }
}

std::string item_path(const std::string& path, const Node& item, std::size_t index) {
  const std::string_view name = item.kind == Node::Kind::kMap ? item.scalar("name") : "";
  return name.empty() ? fmt::format("{}[{}]", path, index) : join_path(path, name);
}

}  // namespace orrery::scenario
