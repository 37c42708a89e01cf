#include "gateway/act_reason.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace gateway {
namespace {

TEST(Reason, IsWhatPeopleCanRead) {
  for (const std::string_view text :
       {"x", "new homes in Elm Street, ticket 4711", "Zähler Straße 5", "電力　会社", "a\u00A0b"}) {
    EXPECT_TRUE(IsReadableReason(text)) << text;
  }
  for (const std::string_view text : {"", "two\nlines", "\u2028", "a\xFF"}) {
    EXPECT_FALSE(IsReadableReason(text)) << text;
  }
}

TEST(Reason, HasNothingInItThatCannotBeSeen) {
  for (const std::string_view hidden :
       {"\u00AD", "\u0600", "\u0605", "\u061C", "\u180E", "\u200B", "\u200F", "\u202A", "\u202E",
        "\u2060", "\u206F", "\uFEFF", "\uFFF9", "\uFFFB", "\U000E0001", "\U000E0020",
        "\U000E007F"}) {
    const std::string text = "a" + std::string(hidden) + "b";
    EXPECT_FALSE(IsReadableReason(text)) << text;
  }
}

TEST(Reason, NeitherIsBlankNorBeginsOrEndsSo) {
  for (const std::string_view blank : {" ", "\u00A0", "\u2003", "\u2800", "\u3000", "\u3164"}) {
    const std::string text(blank);
    for (const std::string& bad : {text, text + " ", text + "x", "x" + text}) {
      EXPECT_FALSE(IsReadableReason(bad)) << bad;
    }
    EXPECT_TRUE(IsReadableReason("x" + text + "x"));
  }
}

}  // namespace
}  // namespace gateway
