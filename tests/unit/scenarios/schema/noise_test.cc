#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engine/base/random.h"
#include "tests/unit/scenarios/schema/support.h"

namespace orrery::scenario {
namespace {

// Loads, or complains with a place; anything else (a crash, silence) is a bug.
bool survives(const std::string& text) {
  const LoadOutcome s = load_text(text, "noise.yaml", options());
  if (s) return true;
  EXPECT_FALSE(s.error().empty());
  EXPECT_LE(s.error().size(), Diagnostics::kMaxDiagnostics);
  for (const Diagnostic& d : s.error()) {
    EXPECT_FALSE(d.file.empty());
    EXPECT_GE(d.line, 1);
    EXPECT_GE(d.column, 1);
    EXPECT_FALSE(d.message.empty());
    EXPECT_EQ(d.message.find("the loader failed"), std::string::npos) << d.message << "\n" << text;
  }
  return false;
}

TEST(Noise, RandomBytesGiveAComplaintWithAPlace) {
  RandomStream random(1, 0, stream_id("noise.bytes"));
  for (int i = 0; i < 1'500; ++i) {
    std::string text(random.below(200), ' ');
    // Half of the cases stay printable, so that they reach past the check of characters.
    for (char& c : text) {
      c = static_cast<char>(i % 2 == 0 ? random.below(256) : 32 + random.below(95));
      if (i % 2 != 0 && random.below(12) == 0) c = '\n';
    }
    EXPECT_FALSE(survives(text)) << text;
  }
}

TEST(Noise, MutationsOfAValidFileLoadOrComplainWithAPlace) {
  RandomStream random(2, 0, stream_id("noise.mutations"));
  const std::string tokens[] = {
      "{",  "}",  "[", "]",   ":",     ",",      "- ", "\n",
      "  ", "\"", "'", "&a ", "*a",    "!!str ", "|",  ">",
      "#",  "${", "}", "%",   "---\n", "0",      "-1", "999999999999999999999",
      "s",  "t+", "(", ")",   "null",  "yes",    "? "};
  int loaded = 0;
  for (int i = 0; i < 3'500; ++i) {
    std::string text = kSmall + "vars: {x: 4, y: \"${x * 2}\"}\n";
    const std::uint64_t edits = 1 + random.below(4);
    for (std::uint64_t e = 0; e < edits; ++e) {
      const std::size_t at = random.below(text.size());
      const std::size_t length = std::min<std::size_t>(random.below(20), text.size() - at);
      switch (random.below(5)) {
        case 0: text[at] = static_cast<char>(random.below(256)); break;
        case 1: text.erase(at, length); break;
        case 2: text.insert(at, tokens[random.below(std::size(tokens))]); break;
        case 3: text.insert(at, text.substr(random.below(text.size()), length)); break;
        default: text[at] = static_cast<char>(32 + random.below(95)); break;
      }
    }
    loaded += survives(text) ? 1 : 0;
  }
  EXPECT_GT(loaded, 20) << "the mutations are so coarse that nothing reaches the later stages";
  EXPECT_LT(loaded, 3'000);
}

TEST(Noise, DeepNestingAndLongTextAreRefused) {
  EXPECT_FALSE(survives(std::string(20'000, '[')));
  EXPECT_FALSE(survives(std::string(20'000, '{')));
  std::string deep;
  for (int i = 0; i < 2'000; ++i) deep += std::string(i, ' ') + "a:\n";
  EXPECT_FALSE(survives(deep));
  EXPECT_FALSE(survives(std::string((1 << 20) + 1, '#')));
  EXPECT_FALSE(survives(edited("10m", "\"${" + std::string(5'000, '(') + "\"")));
  EXPECT_FALSE(survives(edited("role(validator)", std::string(3'000, '('))));
  std::string chain = "vars:\n  a0: 1\n";
  for (int i = 1; i < 2'000; ++i) {
    chain += "  a" + std::to_string(2'000 - i) + ": ${a" + std::to_string(1'999 - i) + "}\n";
  }
  EXPECT_FALSE(survives(kSmall + chain));
}

}  // namespace
}  // namespace orrery::scenario
