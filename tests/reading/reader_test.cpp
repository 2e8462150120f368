// The model is tests/data/goldens/mini: small, with random weights, so that it writes nonsense for as long as it may.
#include "lectern/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "core/temp_folder.h"
#include "core/utf8.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path banner = TEST_DATA "/goldens/images/banner.png";

Model mini() { return Model::load(TEST_DATA "/goldens/mini"); }

ReadOptions few_tokens(int64_t count = 40) {
  ReadOptions options;
  options.mode = "tiny";
  options.max_tokens = count;
  return options;
}

std::string refusal(const Model& model, const ReadOptions& options) {
  try {
    const Reader reader(model, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Reader, ReadsAPicture) {
  const PageText page = Reader(mini(), few_tokens()).read(banner);
  EXPECT_NE(page.text, "");
  EXPECT_EQ(page.finish, "length");
  EXPECT_EQ(page.mode, "tiny");
  EXPECT_EQ(page.vision_tokens, 8 * (8 + 1) + 1);
  EXPECT_GT(page.prompt_tokens, page.vision_tokens);
  EXPECT_EQ(page.tokens, 40);
  EXPECT_GT(page.encode_seconds, 0);
  EXPECT_GT(page.prefill_seconds, 0);
  EXPECT_GT(page.decode_seconds, 0);
}

TEST(Reader, SendsTheTextInPiecesAndTellsItsStagesInOrder) {
  for (const std::string prompt : {"free", "markdown", "describe", "what is the total?"}) {
    for (const bool raw : {false, true}) {
      ReadOptions options = few_tokens(200);
      options.prompt = prompt;
      options.raw = raw;
      std::vector<Progress> progress;
      std::string text;
      size_t pieces = 0;
      ReadEvents events;
      events.progress = [&](const Progress& p) { progress.push_back(p); };
      events.text = [&](size_t keep, std::string_view piece) {
        EXPECT_EQ(keep, text.size());
        EXPECT_FALSE(piece.empty());
        std::string checked;
        EXPECT_EQ(append_utf8(piece, checked), piece.size()) << "half a character";
        EXPECT_EQ(checked, piece) << "not UTF-8";
        text += piece;
        ++pieces;
      };
      const PageText page = Reader(mini(), options).read(banner, events);
      EXPECT_EQ(text, page.text) << prompt;
      EXPECT_GT(pieces, 1u);

      ASSERT_EQ(progress.size(), 2u + 200u);
      EXPECT_EQ(progress[0].stage, Stage::encode);
      EXPECT_EQ(progress[1].stage, Stage::prefill);
      EXPECT_EQ(progress[1].prompt_tokens, page.prompt_tokens);
      for (size_t i = 2; i < progress.size(); ++i) {
        EXPECT_EQ(progress[i].stage, Stage::decode);
        EXPECT_EQ(progress[i].tokens, static_cast<int64_t>(i) - 1);
        EXPECT_GE(progress[i].seconds, i > 2 ? progress[i - 1].seconds : 0);
      }
    }
  }
}

TEST(Reader, ReadsTheSameEveryTimeFromAFileAndFromMemory) {
  Reader reader(mini(), few_tokens());
  const std::string text = reader.read(banner).text;
  EXPECT_EQ(reader.read(banner).text, text);
  const std::string bytes = testing::slurp(banner);
  EXPECT_EQ(reader.read(std::as_bytes(std::span(bytes)), "banner").text, text);
  EXPECT_NE(reader.read(TEST_DATA "/goldens/images/noise.png").text, text);
}

TEST(Reader, StopsWhileItEncodes) {
  Reader reader(mini(), few_tokens());
  std::stop_source stop;
  ReadEvents events;
  events.stop = stop.get_token();
  events.progress = [&](const Progress&) { stop.request_stop(); };
  events.text = [](size_t, std::string_view) { FAIL() << "text after the stop"; };
  const PageText page = reader.read(banner, events);
  EXPECT_EQ(page.finish, "stopped");
  EXPECT_EQ(page.text, "");
  EXPECT_EQ(page.tokens, 0);
  EXPECT_EQ(reader.read(banner).finish, "length") << "the reader is ready for the next page";
}

TEST(Reader, StopsWhileItDecodesAndKeepsTheText) {
  Reader reader(mini(), few_tokens());
  const std::string all = reader.read(banner).text;
  std::stop_source stop;
  ReadEvents events;
  events.stop = stop.get_token();
  events.progress = [&](const Progress& progress) {
    if (progress.tokens == 20) stop.request_stop();
  };
  const PageText page = reader.read(banner, events);
  EXPECT_EQ(page.finish, "stopped");
  EXPECT_EQ(page.tokens, 20);
  EXPECT_NE(page.text, "");
  EXPECT_LT(page.text.size(), all.size());
  EXPECT_EQ(reader.read(banner).text, all);
}

TEST(Reader, IsUsableAfterACallbackThrew) {
  Reader reader(mini(), few_tokens());
  const std::string all = reader.read(banner).text;
  ReadEvents events;
  events.progress = [](const Progress& progress) {
    if (progress.tokens == 3) throw std::runtime_error("enough");
  };
  EXPECT_THROW(reader.read(banner, events), std::runtime_error);
  EXPECT_EQ(reader.read(banner).text, all);
}

TEST(Reader, RefusesOptionsThatTheModelCannotServe) {
  const Model model = mini();
  ReadOptions options = few_tokens();
  options.mode = "enormous";
  EXPECT_THAT(refusal(model, options), AllOf(HasSubstr("enormous"), HasSubstr("tiny, small, base, large, gundam")));
  options.mode = "tiny";
  options.prompt = "<image> and <image>";
  EXPECT_THAT(refusal(model, options), AllOf(HasSubstr("<image>"), HasSubstr("2 times, expected once")));
}

TEST(Reader, ErrorsNameThePicture) {
  Reader reader(mini(), few_tokens());
  const testing::TempFolder folder;
  const std::string junk = "this is no picture";
  const auto complaint = [&](const auto& read) -> std::string {
    try {
      read();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(complaint([&] { reader.read(folder.write("junk.png", junk)); }), HasSubstr("junk.png: "));
  EXPECT_THAT(complaint([&] { reader.read(folder / "nothing.png"); }), HasSubstr("nothing.png: "));
  EXPECT_THAT(complaint([&] { reader.read(std::as_bytes(std::span(junk)), "upload 7"); }), HasSubstr("upload 7: "));
  EXPECT_EQ(reader.read(banner).finish, "length");
}

TEST(Reader, TwoOfOneModelDoNotDisturbEachOther) {
  const Model model = mini();
  Reader first(model, few_tokens());
  Reader second(model, few_tokens(10));
  const std::string text = first.read(banner).text;
  EXPECT_TRUE(text.starts_with(second.read(banner).text.substr(0, 1)));
  Reader moved = std::move(first);
  EXPECT_EQ(moved.read(banner).text, text);
}

}  // namespace
}  // namespace lectern
