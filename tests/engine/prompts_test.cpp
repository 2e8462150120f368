#include "engine/prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lectern/error.h"

namespace lectern {
namespace {

TEST(Prompts, AreThePublishedOnes) {
  EXPECT_EQ(prompt_text("free"), "<image>\nFree OCR.");
  EXPECT_EQ(prompt_text("markdown"), "<image>\n<|grounding|>Convert the document to markdown.");
  EXPECT_EQ(prompt_text("figure"), "<image>\nParse the figure.");
  EXPECT_EQ(prompt_text("describe"), "<image>\nDescribe this image in detail.");
  EXPECT_EQ(prompt_text("locate:Total amount"), "<image>\nLocate <|ref|>Total amount<|/ref|> in the image.");
  EXPECT_EQ(prompt_text("locate:\u5148\u5929\u4e0b"),
            "<image>\nLocate <|ref|>\u5148\u5929\u4e0b<|/ref|> in the image.");
}

TEST(Prompts, MayBeTheUsersOwn) {
  EXPECT_EQ(prompt_text("What is the date?"), "<image>\nWhat is the date?");
  EXPECT_EQ(prompt_text("Read <image> aloud"), "Read <image> aloud");
  EXPECT_EQ(prompt_text("locate"), "<image>\nlocate");
}

TEST(Prompts, LocateNeedsATextWithoutMarks) {
  for (const char* name : {"locate:", "locate: \n", "locate:a<|/ref|>b", "locate:<image>"}) {
    EXPECT_THROW(prompt_text(name), Error) << name;
  }
}

TEST(Prompts, OnlyMarkdownIsGrounded) {
  EXPECT_TRUE(is_grounded("markdown"));
  for (const char* name : {"free", "figure", "describe", "locate:x", "my own"}) EXPECT_FALSE(is_grounded(name));
}

}  // namespace
}  // namespace lectern
