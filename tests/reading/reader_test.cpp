// The model is tests/data/goldens/mini: small, with random weights, so that it writes nonsense for as long as it may.
#include "lectern/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/temp_folder.h"
#include "core/utf8.h"
#include "image/picture_encoder.h"
#include "lectern/error.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path banner = TEST_DATA "/goldens/images/banner.png";

Model mini() { return Model::load(TEST_DATA "/goldens/mini"); }

ReadOptions few_tokens(int64_t count = 40) {
  ReadOptions options;
  options.mode = Mode::tiny;
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
  const Page page = Reader(mini(), few_tokens()).read(banner);
  EXPECT_NE(page.text(), "");
  EXPECT_EQ(page.finish, Finish::length);
  EXPECT_EQ(page.mode, Mode::tiny);
  EXPECT_EQ(page.number, 1);
  EXPECT_EQ(page.stats.vision_tokens, 8 * (8 + 1) + 1);
  EXPECT_GT(page.stats.prompt_tokens, page.stats.vision_tokens);
  EXPECT_EQ(page.stats.tokens, 40);
  EXPECT_GT(page.stats.encode_seconds, 0);
  EXPECT_GT(page.stats.prefill_seconds, 0);
  EXPECT_GT(page.stats.decode_seconds, 0);
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
      const Page page = Reader(mini(), options).read(banner, events);
      if (raw) {
        EXPECT_EQ(text, page.raw) << prompt;
      }
      EXPECT_NE(text, "") << prompt;
      EXPECT_GT(pieces, 1u);

      ASSERT_EQ(progress.size(), 2u + 200u);
      EXPECT_EQ(progress[0].stage, Stage::encode);
      EXPECT_EQ(progress[1].stage, Stage::prefill);
      EXPECT_EQ(progress[1].prompt_tokens, page.stats.prompt_tokens);
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
  const std::string text = reader.read(banner).text();
  EXPECT_EQ(reader.read(banner).text(), text);
  const std::string bytes = testing::slurp(banner);
  EXPECT_EQ(reader.read(Image::from_bytes(std::as_bytes(std::span(bytes)), "banner")).text(), text);
  EXPECT_NE(reader.read(TEST_DATA "/goldens/images/noise.png").text(), text);
}

TEST(Reader, StopsWhileItEncodes) {
  Reader reader(mini(), few_tokens(3000));
  std::stop_source stop;
  ReadEvents events;
  events.stop = stop.get_token();
  events.progress = [&](const Progress&) { stop.request_stop(); };
  const Page page = reader.read(banner, events);
  EXPECT_EQ(page.finish, Finish::stopped);
  EXPECT_LT(page.stats.tokens, 3000);
  EXPECT_EQ(reader.read(Image::from_file(banner), {}, few_tokens()).finish, Finish::length)
      << "it is ready for the next";
}

TEST(Reader, StopsWhileItDecodesAndKeepsTheText) {
  Reader reader(mini(), few_tokens(3000));
  std::stop_source stop;
  ReadEvents events;
  events.stop = stop.get_token();
  events.progress = [&](const Progress& progress) {
    if (progress.tokens == 20) stop.request_stop();
  };
  const Page page = reader.read(banner, events);
  EXPECT_EQ(page.finish, Finish::stopped);
  EXPECT_GE(page.stats.tokens, 20);
  EXPECT_LT(page.stats.tokens, 3000);
  EXPECT_NE(page.text(), "");
}

TEST(Reader, IsUsableAfterACallbackThrew) {
  Reader reader(mini(), few_tokens());
  const std::string all = reader.read(banner).text();
  ReadEvents events;
  events.progress = [](const Progress& progress) {
    if (progress.tokens == 3) throw std::runtime_error("enough");
  };
  EXPECT_THROW(reader.read(banner, events), std::runtime_error);
  EXPECT_EQ(reader.read(banner).text(), all);
}

TEST(Reader, RefusesOptionsThatTheModelCannotServe) {
  const Model model = mini();
  ReadOptions options = few_tokens();
  options.mode = Mode::tiny;
  options.prompt = "<image> and <image>";
  EXPECT_THAT(refusal(model, options), AllOf(HasSubstr("<image>"), HasSubstr("2 times, expected once")));
}

TEST(Reader, PassesOnWhatWasSaidOfThePicture) {
  const std::string jpeg = encode_jpeg(testing::picture_of(200, 100), 90);
  const std::string cut = jpeg.substr(0, jpeg.size() - 2);  // without its end mark
  Reader reader(mini());
  const Image image = Image::from_bytes(std::as_bytes(std::span(cut)), "cut");
  ASSERT_EQ(image.warnings().size(), 1u);
  const Page page = reader.read(image, {}, few_tokens());
  ASSERT_FALSE(page.warnings.empty());
  EXPECT_EQ(page.warnings[0].code, WarningCode::damaged_input);
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
  EXPECT_THAT(complaint([&] { reader.read(Image::from_bytes(std::as_bytes(std::span(junk)), "upload 7")); }),
              HasSubstr("upload 7: "));
  EXPECT_EQ(reader.read(banner).finish, Finish::length);
}

TEST(Reader, TwoOfOneModelDoNotDisturbEachOther) {
  const Model model = mini();
  Reader first(model, few_tokens());
  Reader second(model, few_tokens(10));
  const std::string text = first.read(banner).text();
  EXPECT_TRUE(text.starts_with(second.read(banner).text().substr(0, 1)));
  Reader moved = std::move(first);
  EXPECT_EQ(moved.read(banner).text(), text);
}

// Eight threads, pages and options of their own: pages are read together, and each is what it is alone.
TEST(Reader, BatchesThePagesOfAllThreads) {
  const Model model = mini();
  const std::filesystem::path pictures[] = {banner, TEST_DATA "/goldens/images/noise.png"};
  const auto options_of = [](size_t i) { return few_tokens(25 + 5 * static_cast<int64_t>(i % 4)); };
  std::vector<std::string> alone;
  {
    Reader one(model, few_tokens(), 1);
    for (size_t i = 0; i < 8; ++i)
      alone.push_back(one.read(Image::from_file(pictures[i % 2]), {}, options_of(i)).text());
    EXPECT_EQ(one.max_together(), 1);
  }
  Reader reader(model, few_tokens(), 6);
  std::vector<std::string> together(8);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < together.size(); ++i) {
      threads.emplace_back(
          [&, i] { together[i] = reader.read(Image::from_file(pictures[i % 2]), {}, options_of(i)).text(); });
    }
  }
  EXPECT_EQ(together, alone);
  EXPECT_GT(reader.max_together(), 1);
  EXPECT_LE(reader.max_together(), 6);
}

TEST(Reader, TellsTheEventsOfSubmittedPages) {
  std::vector<ReadEvent::Kind> kinds;
  std::string text, finished, error;
  ErrorCode code = ErrorCode::io;
  std::string expected;
  {
    Reader reader(mini(), few_tokens());
    expected = reader.read(banner).text();
    std::latch ended(2);
    reader.submit(Image::from_file(banner), [&](const ReadEvent& event) {
      kinds.push_back(event.kind);
      if (event.kind == ReadEvent::Kind::text) {
        text.resize(event.keep);
        text += event.more;
      }
      if (event.kind != ReadEvent::Kind::finished) return;
      finished = event.page.text();
      ended.count_down();
    });
    // A page so long that its prompt does not fit is a failure of its own.
    const std::vector<uint8_t> white(3 * 64 * 64, 255);
    ReadOptions options = few_tokens();
    options.prompt = std::string(20'000, 'x');
    reader.submit(
        Image::from_pixels(white, 64, 64, "white"),
        [&](const ReadEvent& event) {
          if (event.kind != ReadEvent::Kind::finished) return;
          error = event.page.error;
          code = event.page.error_code;
          ended.count_down();
        },
        options);
    ended.wait();
  }
  EXPECT_EQ(finished, expected);
  EXPECT_NE(text, "");
  EXPECT_EQ(kinds.back(), ReadEvent::Kind::finished);
  EXPECT_EQ(code, ErrorCode::invalid_argument);
  EXPECT_THAT(error, HasSubstr("white: the page and its prompt take"));
}

TEST(Reader, CancelsASubmittedPageAndAllWhenItGoes) {
  std::atomic<int> stopped{0};
  Ticket ticket;
  const auto note = [&](const ReadEvent& event) {
    if (event.kind == ReadEvent::Kind::finished) stopped += event.page.finish == Finish::stopped;
  };
  {
    Reader reader(mini(), few_tokens(7000), 2);
    ticket = reader.submit(Image::from_file(banner), note);
    for (int i = 0; i < 3; ++i) reader.submit(Image::from_file(banner), note);
    ticket.cancel();
    ticket.cancel();
  }
  EXPECT_EQ(stopped, 4);
  ticket.cancel();  // does nothing: the reader is gone
  Ticket().cancel();
}

// The function may call its reader; what it throws ends its page and no other.
TEST(Reader, OutlivesWhatAnEventFunctionThrows) {
  Reader reader(mini(), few_tokens(3000), 2);
  std::latch ended(3);
  std::string error;
  ErrorCode code = ErrorCode::io;
  const auto finished = [&](const ReadEvent& event) { ended.count_down(event.kind == ReadEvent::Kind::finished); };
  reader.submit(Image::from_file(banner), [&](const ReadEvent& event) {
    if (event.kind != ReadEvent::Kind::finished) throw std::runtime_error("enough");
    error = event.page.error;
    code = event.page.error_code;
    reader.submit(Image::from_file(banner), finished, few_tokens(5));
    ended.count_down();
    throw 42;  // of no kind that is known
  });
  reader.submit(Image::from_file(banner), finished, few_tokens(5));
  ended.wait();
  EXPECT_EQ(error, banner.string() + ": not read to its end: its event function threw: enough");
  EXPECT_EQ(code, ErrorCode::cancelled);
  EXPECT_EQ(reader.read(banner, {}, few_tokens(5)).finish, Finish::length);
}

TEST(Reader, TakesNoPageWhileItGoes) {
  std::atomic<int> refused{0}, last{0};
  {
    Reader reader(mini(), few_tokens(7000), 2);
    for (int i = 0; i < 3; ++i) {
      reader.submit(Image::from_file(banner), [&](const ReadEvent& event) {
        if (event.kind != ReadEvent::Kind::finished) return;
        ++last;
        try {
          reader.submit(Image::from_file(banner), [](const ReadEvent&) {});
        } catch (const Error& error) {
          refused += error.code() == ErrorCode::cancelled;
        }
      });
    }
  }
  EXPECT_EQ(last, 3);
  EXPECT_EQ(refused, 3);
}

// Whoever cancels never becomes the one who destroys the reader, and after it was destroyed no event comes.
TEST(Reader, MayBeCancelledWhileItGoes) {
  const Model model = mini();
  const Image image = Image::from_file(banner);
  for (int i = 0; i < 20; ++i) {
    auto gone = std::make_shared<std::atomic<bool>>(false);
    std::vector<Ticket> tickets;
    std::latch submitted(1);
    auto reader = std::make_unique<Reader>(model, few_tokens(7000), 4);
    for (int page = 0; page < 4; ++page)
      tickets.push_back(reader->submit(image, [gone](const ReadEvent&) { EXPECT_FALSE(*gone); }));
    const std::jthread canceller([&] {
      submitted.wait();
      for (const Ticket& ticket : tickets) ticket.cancel();
    });
    submitted.count_down();
    reader.reset();
    *gone = true;
  }
}

TEST(Reader, IsOfNoUseInAForkOfItsProcess) {
  auto reader = std::make_unique<Reader>(mini(), few_tokens());
  const Image image = Image::from_file(banner);
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      reader->read(image);
    } catch (const Error& error) {
      code = error.code() == ErrorCode::unsupported ? 0 : 2;
    }
    reader.reset();  // waits for no thread of the parent's
    ::_exit(code);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(reader->read(image).finish, Finish::length);
}

TEST(Reader, IsReplacedByAnother) {
  std::atomic<int> stopped{0};
  Reader reader(mini(), few_tokens(7000));
  reader.submit(Image::from_file(banner), [&](const ReadEvent& event) {
    stopped += event.kind == ReadEvent::Kind::finished && event.page.finish == Finish::stopped;
  });
  reader = Reader(mini(), few_tokens(3));
  EXPECT_EQ(stopped, 1) << "the last event of the old one's page has come";
  Reader& itself = reader;
  reader = std::move(itself);
  EXPECT_EQ(reader.read(banner, {}, few_tokens(4)).stats.tokens, 4);
}

}  // namespace
}  // namespace lectern
