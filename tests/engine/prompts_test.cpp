#include "engine/prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lectern/error.h"

namespace lectern {
namespace {

std::string text_of(std::string_view typed) { return parse_prompt(typed).text; }

TEST(Prompts, AreThePublishedOnes) {
  EXPECT_EQ(text_of("free"), "<image>\nFree OCR.");
  EXPECT_EQ(text_of("markdown"), "<image>\n<|grounding|>Convert the document to markdown.");
  EXPECT_EQ(text_of("ocr"), "<image>\n<|grounding|>OCR this image.");
  EXPECT_EQ(text_of("figure"), "<image>\nParse the figure.");
  EXPECT_EQ(text_of("describe"), "<image>\nDescribe this image in detail.");
  EXPECT_EQ(text_of("locate:Total amount"), "<image>\nLocate <|ref|>Total amount<|/ref|> in the image.");
  EXPECT_EQ(text_of("locate:\u5148\u5929\u4e0b"), "<image>\nLocate <|ref|>\u5148\u5929\u4e0b<|/ref|> in the image.");
}

TEST(Prompts, MayBeTheUsersOwn) {
  EXPECT_EQ(text_of("What is the date?"), "<image>\nWhat is the date?");
  EXPECT_EQ(text_of("Read <image> aloud"), "Read <image> aloud");
  EXPECT_EQ(text_of("locate"), "<image>\nlocate");
  EXPECT_EQ(parse_prompt("What is the date?").name, "");
}

TEST(Prompts, LoseTheWhiteSpaceAround) {
  EXPECT_EQ(text_of("<image>\nFree OCR. "), "<image>\nFree OCR.");
  EXPECT_EQ(text_of(" \t\r\nWhat  is the date?\n"), "<image>\nWhat  is the date?");
  EXPECT_EQ(text_of("free \n"), "<image>\nFree OCR.");
  EXPECT_EQ(parse_prompt(" ").name, "free");
}

TEST(Prompts, AreToldByTheirWordsToo) {
  EXPECT_EQ(parse_prompt("<image>\nFree OCR. ").name, "free");
  EXPECT_EQ(parse_prompt("<|grounding|>Convert the document to markdown.").name, "markdown");
  EXPECT_EQ(parse_prompt("<|grounding|>OCR this image.").name, "ocr");
  EXPECT_EQ(parse_prompt("Parse the figure.").name, "figure");
  EXPECT_EQ(parse_prompt("locate:x").name, "locate");
}

TEST(Prompts, LocateNeedsATextWithoutMarks) {
  for (const char* name : {"locate:", "locate: \n", "locate:a<|/ref|>b", "locate:<image>"}) {
    EXPECT_THROW(parse_prompt(name), Error) << name;
  }
}

TEST(Prompts, AreGroundedWhereTheirTextIs) {
  for (const char* name : {"markdown", "ocr", "<|grounding|>Convert the document to markdown.",
                           "<image>\n<|grounding|>OCR this image. ", "<|grounding|>What stands where?"}) {
    EXPECT_TRUE(parse_prompt(name).grounded) << name;
  }
  for (const char* name : {"free", "figure", "describe", "locate:x", "my own", "grounding"}) {
    EXPECT_FALSE(parse_prompt(name).grounded) << name;
  }
}

}  // namespace
}  // namespace lectern
