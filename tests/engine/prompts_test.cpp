#include "engine/prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "layout/layout_tags.h"
#include "lectern/error.h"

namespace lectern {
namespace {

Prompt parse(std::string_view typed, std::string_view model = "deepseek-ocr", bool force = false) {
  return parse_prompt(typed, description_of(model), force);
}
std::string text_of(std::string_view typed) { return parse(typed).text; }

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
  EXPECT_EQ(parse("What is the date?").name, "");
}

TEST(Prompts, LoseTheWhiteSpaceAround) {
  EXPECT_EQ(text_of("<image>\nFree OCR. "), "<image>\nFree OCR.");
  EXPECT_EQ(text_of(" \t\r\nWhat  is the date?\n"), "<image>\nWhat  is the date?");
  EXPECT_EQ(text_of("free \n"), "<image>\nFree OCR.");
  EXPECT_EQ(parse(" ").name, "free");
}

TEST(Prompts, AreToldByTheirWordsToo) {
  EXPECT_EQ(parse("<image>\nFree OCR. ").name, "free");
  EXPECT_EQ(parse("<|grounding|>Convert the document to markdown.").name, "markdown");
  EXPECT_EQ(parse("<|grounding|>OCR this image.").name, "ocr");
  EXPECT_EQ(parse("Parse the figure.").name, "figure");
  EXPECT_EQ(parse("locate:x").name, "locate");
}

TEST(Prompts, LocateNeedsATextWithoutMarks) {
  for (const char* name : {"locate:", "locate: \n", "locate:a<|/ref|>b", "locate:<image>"}) {
    EXPECT_THROW(parse(name), Error) << name;
  }
}

TEST(Prompts, AreGroundedWhereTheirTextIs) {
  for (const char* name : {"markdown", "ocr", "<|grounding|>Convert the document to markdown.",
                           "<image>\n<|grounding|>OCR this image. ", "<|grounding|>What stands where?"}) {
    EXPECT_TRUE(parse(name).grounded) << name;
  }
  for (const char* name : {"free", "figure", "describe", "locate:x", "my own", "grounding"}) {
    EXPECT_FALSE(parse(name).grounded) << name;
  }
}

TEST(Prompts, AreThoseOfTheModel) {
  EXPECT_EQ(parse("", "unlimited-ocr").text, "<image>document parsing.");
  EXPECT_EQ(parse("markdown", "unlimited-ocr").text, "<image>document parsing.");
  EXPECT_EQ(parse("document parsing.", "unlimited-ocr").name, "markdown");
  EXPECT_TRUE(parse("document parsing.", "unlimited-ocr").grounded);
  EXPECT_EQ(parse("What is the date?", "unlimited-ocr").text, "<image>What is the date?");
  EXPECT_EQ(parse("markdown", "deepseek-ocr-2").text, text_of("markdown"));
}

TEST(Prompts, OfASisterModelAreRefusedUnlessForced) {
  for (const char* typed : {"free", "ocr", "locate:x", "Free OCR.", "<image>\nFree OCR.", "<image>Parse the figure."}) {
    EXPECT_THROW(parse(typed, "unlimited-ocr"), Error) << typed;
  }
  for (const char* typed : {"document parsing.", "<image>document parsing.", "Multi page parsing.", "pages"}) {
    EXPECT_THROW(parse(typed), Error) << typed;
    EXPECT_THROW(parse(typed, "deepseek-ocr-2"), Error) << typed;
  }
  EXPECT_EQ(parse("free", "unlimited-ocr", true).text, "<image>\nFree OCR.");
  EXPECT_EQ(parse("document parsing.", "deepseek-ocr", true).text, "<image>document parsing.");
}

// Whatever model wrote it: a prompt that a server sent back is no text of the page.
TEST(Prompts, AreKnownAgainWhereTheyCameBack) {
  for (const TrainedPrompt& prompt : all_trained_prompts()) {
    const std::string sent(prompt.text);
    EXPECT_EQ(prompt_echo_length(sent + "\n<|ref|>text<|/ref|>"), sent.size()) << sent;
  }
}

TEST(Prompts, ForSeveralPagesAreKnownToOneModel) {
  for (const char* typed : {"pages", "Multi page parsing.", "<image>Multi page parsing."}) {
    EXPECT_THAT([&] { parse(typed, "unlimited-ocr"); },
                ::testing::ThrowsMessage<Error>(::testing::HasSubstr("which `pages_together` asks for")));
  }
  EXPECT_EQ(pages_prompt(description_of("unlimited-ocr")).text, "<image>Multi page parsing.");
  EXPECT_THROW(pages_prompt(description_of("deepseek-ocr")), Error);
  EXPECT_THROW(pages_prompt(description_of("deepseek-ocr-2")), Error);
}

}  // namespace
}  // namespace lectern
