#include "harness/model/stop_texts.h"

#include <gtest/gtest.h>

namespace orrery::model {
namespace {

TEST(StopTexts, WithoutAnyEverythingPasses) {
  StopTexts none({"", ""});
  EXPECT_EQ(none.feed("abc"), "abc");
  EXPECT_EQ(none.feed(""), "");
  EXPECT_EQ(none.rest(), "");
  EXPECT_FALSE(none.stopped());
}

TEST(StopTexts, HoldsBackWhatMayBeginAStopTextAndNoMore) {
  StopTexts stops({"END", "\n\n"});
  EXPECT_EQ(stops.feed("one E"), "one ");
  EXPECT_EQ(stops.feed("N"), "");
  EXPECT_EQ(stops.feed("ough\n"), "ENough");
  EXPECT_EQ(stops.feed("two"), "\ntwo");
  EXPECT_EQ(stops.feed("EN"), "");
  EXPECT_EQ(stops.rest(), "EN");
}

TEST(StopTexts, TheFirstInTheTextEndsItInWhateverPieces) {
  const std::string text = "aabaacaabaabcd";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    StopTexts stops({"zzz", "bc", "aabcd", "aabc"});
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      out += stops.feed(std::string_view(text).substr(at, piece));
    }
    EXPECT_TRUE(stops.stopped());
    EXPECT_EQ(out + stops.rest(), "aabaacaab") << "pieces of " << piece;
    EXPECT_EQ(stops.feed("more"), "");
  }
}

}  // namespace
}  // namespace orrery::model
