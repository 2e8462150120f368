// Loops that must be found, and pages that must pass, in the tokens of the published vocabulary: two tables, so one
// file, though a long one.
#include "engine/guard/repetition.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "support/values.h"

namespace lectern {
namespace {

struct Vocabulary {
  explicit Vocabulary(const std::string& file) : tokenizer(Tokenizer::load(file)), classes(tokenizer) {}
  const Tokenizer tokenizer;
  const TokenClasses classes;
};

const Vocabulary& published() {
  static const Vocabulary vocabulary(TEST_DATA "/tokenizer/tokenizer.json");
  return vocabulary;
}

std::string repeated(int count, const std::function<std::string(int)>& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text(i);
  return all;
}

std::string repeated(int count, const std::string& text) {
  return repeated(count, [&](int) { return text; });
}

// Sentences of words from a list of 60 in random order, unlike each other as those of a page are.
std::string prose(uint64_t seed, int words) {
  static const std::vector<std::string> list = {
      "river", "of",     "council", "paper",  "the",    "stone",   "market", "was",   "letter",  "evening",
      "a",     "winter", "engine",  "which",  "garden", "silver",  "in",     "north", "bridge",  "ordinary",
      "and",   "school", "measure", "from",   "window", "captain", "to",     "glass", "harbour", "question",
      "not",   "summer", "railway", "house",  "with",   "copper",  "judge",  "is",    "honest",  "meadow",
      "for",   "doctor", "journey", "orange", "at",     "thunder", "cotton", "by",    "village", "theatre",
      "on",    "pencil", "station", "forest", "that",   "ladder",  "voice",  "as",    "island",  "machine"};
  testing::Random random(seed);
  std::string text;
  for (int i = 0; i < words; ++i) {
    text += list[static_cast<size_t>(random.between(0, static_cast<int64_t>(list.size()) - 1))];
    text += i % 12 == 11 ? ".\n" : " ";
  }
  return text;
}

struct Found {
  std::optional<Loop> loop;
  size_t after = 0;  // tokens
  int64_t committed = 0;
  std::string kept;  // of the text, before loop->begin
};

Found watch(const std::vector<int32_t>& ids, const Vocabulary& vocabulary = published()) {
  RepetitionDetector detector(vocabulary.classes);
  Found found;
  for (const int32_t id : ids) {
    detector.push(id);
    if (!detector.loop()) continue;
    found.loop = detector.loop();
    break;
  }
  found.after = static_cast<size_t>(detector.tokens());
  if (found.loop) {
    found.kept = vocabulary.tokenizer.decode(std::span(ids).first(static_cast<size_t>(found.loop->begin)), false);
    found.committed = detector.committed();
    EXPECT_LT(found.loop->begin, detector.tokens());
  }
  return found;
}

Found watch(const std::string& text) { return watch(published().tokenizer.encode(text)); }

void expect_loop(const std::string& honest, const std::string& once, LoopKind kind, size_t max_tokens,
                 const std::function<std::string(int)>& period) {
  const Found found = watch(honest + repeated(6000, period));
  ASSERT_TRUE(found.loop) << once;
  EXPECT_EQ(found.loop->kind, kind) << name_of(found.loop->kind);
  const size_t before = published().tokenizer.encode(honest).size();
  EXPECT_LE(found.after, before + max_tokens);
  EXPECT_LE(found.committed, found.loop->begin) << "text that is dropped was committed";
  EXPECT_TRUE(found.kept.starts_with(honest)) << "honest text is kept";
  const auto one = static_cast<int64_t>(published().tokenizer.encode(once).size());
  EXPECT_LE(found.loop->begin, static_cast<int64_t>(before) + 2 * one + 8) << "the repetition is dropped";
}

TEST(Repetition, FindsExactPeriods) {
  for (const std::string& honest : {std::string(), prose(1, 300)}) {
    for (const int length : {1, 2, 7, 31, 100, 200, 399, 400}) {
      SCOPED_TRACE(length);
      // Tokens, not text: each is a word with a space before it.
      std::vector<int32_t> ids = published().tokenizer.encode(honest);
      const size_t before = ids.size();
      testing::Random random(7);
      std::vector<int32_t> period;
      while (period.size() < static_cast<size_t>(length)) {
        const auto id = static_cast<int32_t>(random.between(1000, 100'000));
        if (!published().classes.of(id).digits && !published().classes.of(id).line_end) period.push_back(id);
      }
      RepetitionDetector detector(published().classes);
      for (const int32_t id : ids) detector.push(id);
      size_t pushed = 0;
      for (; !detector.loop() && pushed < 20'000; ++pushed) detector.push(period[pushed % period.size()]);
      ASSERT_TRUE(detector.loop());
      EXPECT_EQ(detector.loop()->kind, LoopKind::same);
      EXPECT_EQ(detector.loop()->period, length);
      EXPECT_EQ(detector.loop()->begin, static_cast<int64_t>(before) + length);
      EXPECT_LE(detector.committed(), detector.loop()->begin);
      EXPECT_LE(pushed, static_cast<size_t>(std::max(1000, 5 * length) + length + 8));
    }
  }
}

TEST(Repetition, FindsPhrasesThatComeAgain) {
  expect_loop(prose(2, 200), " Happy birthday to you!", LoopKind::same, 620,
              [](int) { return " Happy birthday to you!"; });
  expect_loop(prose(3, 200), "...", LoopKind::same, 3100, [](int) { return "Hakate Toolbox\n\n"; });
  const std::string sentence = "The undersigned declares that the goods listed above were received in good order.\n";
  expect_loop(prose(4, 200), sentence, LoopKind::same, 1100, [&](int) { return sentence; });
}

TEST(Repetition, FindsACounterThatRunsOn) {
  const auto line = [](int i) { return fmt::format("{}. The committee takes note of the report of the chair.\n", i); };
  expect_loop(prose(5, 200), line(1000), LoopKind::counter, 1700, line);
  const auto downwards = [](int i) {
    return fmt::format("Paragraph {} of the second annex was struck out.\n", 9000 - i);
  };
  expect_loop(prose(5, 200), downwards(1000), LoopKind::counter, 1700, downwards);
  const auto integers = [](int i) { return fmt::format("{}, ", i + 1); };
  expect_loop(prose(6, 200), integers(1000), LoopKind::counter, 5000, integers);
}

TEST(Repetition, FindsBlocksOfWhichOnlyTheCoordinatesChange) {
  testing::Random random(8);
  const auto box = [&] {
    return fmt::format("<|det|>[[{}, {}, {}, {}]]<|/det|>", random.between(0, 999), random.between(0, 999),
                       random.between(0, 999), random.between(0, 999));
  };
  const auto empty = [&](int) { return "<|ref|>image<|/ref|>" + box() + "\n"; };
  expect_loop("<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n" + prose(9, 100), empty(0), LoopKind::boxes, 2600,
              empty);
  const auto filled = [&](int) {
    return "<|ref|>text<|/ref|>" + box() + "\nThe same words in every one of the blocks.\n\n";
  };
  expect_loop(prose(9, 100), filled(0), LoopKind::boxes, 2600, filled);
  const auto many = [&](int) {
    return fmt::format("[{}, {}, {}, {}], ", random.between(0, 999), random.between(0, 999), random.between(0, 999),
                       random.between(0, 999));
  };
  expect_loop(prose(9, 100) + "<|ref|>table<|/ref|><|det|>[", many(0), LoopKind::boxes, 2600, many);
}

TEST(Repetition, FindsBlocksInOnePlaceSooner) {
  const std::string block = "<|ref|>image<|/ref|><|det|>[[0, 0, 999, 999]]<|/det|>\n";
  expect_loop(prose(10, 100), block, LoopKind::same, 500, [&](int) { return block; });
}

TEST(Repetition, FindsCellsWithoutEnd) {
  expect_loop(prose(11, 100) + "<table><tr>", "<td></td>", LoopKind::same, 620, [](int) { return "<td></td>"; });
  expect_loop(prose(11, 100) + "<table><tr>", "<td>0.00</td>", LoopKind::same, 620,
              [](int) { return "<td>0.00</td>"; });
  expect_loop(prose(11, 100) + "<table>", "<tr><td></td><td></td></tr>", LoopKind::same, 3100,
              [](int) { return "<tr><td></td><td></td></tr>"; });
}

TEST(Repetition, FindsALoopWhoseWordsVary) {
  const std::vector<std::string> names = {"Hakate", "Hekate", "Hakete", "Hoketo"};
  testing::Random random(12);
  const auto line = [&](int) {
    return "The " + names[static_cast<size_t>(random.between(0, 3))] + " toolbox was bought for the second workshop.\n";
  };
  const Found found = watch(prose(12, 100) + repeated(500, line));
  ASSERT_TRUE(found.loop);
  EXPECT_LT(found.after, 2500u);
}

TEST(Repetition, FindsLinesThatComeInAnyOrder) {
  const std::vector<std::string> lines = {"服务名称：项目名称\n\n", "服务描述：项目名称：项目名称\n\n",
                                          "服务状态：已通过\n\n", "服务状态：已完成\n\n"};
  testing::Random random(13);
  const Found found =
      watch(prose(13, 100) + repeated(1000, [&](int) { return lines[static_cast<size_t>(random.between(0, 3))]; }));
  ASSERT_TRUE(found.loop);
  EXPECT_LT(found.after, 2500u);
}

// The shapes of loops that users of the model showed in public, each named for what it looks like. One that the guard
// does not see costs what is left of the context, some 7,000 tokens.
TEST(Repetition, FindsTheLoopsThatUsersReport) {
  testing::Random random(14);
  const auto one_of = [&](const std::vector<std::string>& texts) {
    return texts[static_cast<size_t>(random.between(0, static_cast<int64_t>(texts.size()) - 1))];
  };
  const auto mostly = [&](const std::string& usual, const std::string& other) {
    return random.between(0, 3) == 0 ? other : usual;
  };
  struct Shape {
    std::string name;
    size_t max_tokens;
    std::function<std::string(int)> period;
  };
  const std::vector<Shape> shapes = {
      {"one word without a space", 700, [](int) { return "OCR"; }},
      {"one word between commas", 700, [](int) { return ", the background"; }},
      {"one letter", 700, [](int) { return " A"; }},
      {"a line to be filled in and a word", 700, [](int) { return " _____ de"; }},
      {"points with spaces", 700, [](int) { return " ."; }},
      {"braces and commas", 700, [](int) { return "{, "; }},
      {"tabs", 700, [](int) { return "\t"; }},
      {"spaces of formulas", 700, [](int) { return "\\quad "; }},
      {"cells of a formula", 700, [](int) { return " & 0"; }},
      {"dashes between pipes", 700, [](int) { return " - |"; }},
      {"no-break spaces", 700, [](int) { return "&nbsp;"; }},
      {"empty lines", 3200, [](int) { return "\n\n"; }},
      {"line breaks", 3200, [](int) { return "<br>\n"; }},
      {"fences", 3200, [](int) { return "```\n"; }},
      {"rows of empty cells in Markdown", 3200, [](int) { return "|  |  |  |  |\n"; }},
      {"numbers with a sign that grow a digit now and then", 1700,
       [&](int) {
         return one_of({" -3", " -33", " -3", " -33", " -333"});
       }},
      {"figures without order", 3000,
       [&](int) {
         return one_of({"3-", "3 ", "-3", "33", "-"});
       }},
      {"lines of one name that wavers between two", 6600, [&](int) { return mostly("上海世博局\n", "上海世博城\n"); }},
      {"lines of a name that is spelt in every way", 3200,
       [&](int) {
         return one_of({"Hakate Toolbox\n\n", "Hakete Toolbox\n\n", "HaketeToolbox\n\n", "Hekate Toolbox\n\n",
                        "Hoketo Toolbox\n\n", "Haketa ToolBox\n\n"});
       }},
      {"a slogan in three lines", 1200, [](int) { return "YOU DIDN'T COME THIS\nFAR TO ONLY COME\nTHIS FAR\n"; }},
      {"two words and no end", 700, [](int) { return " and the"; }},
      {"a head with an address", 1300,
       [](int) {
         return "Northern Savings Bank\nStatement of account\n12 Harbour Street\nAB1 2CD Aberdeen\n"
                "Mr John A. Featherstone\nPage 1 of 4\n\n";
       }},
      {"a price list that counts", 3200, [](int i) { return fmt::format("SMALL ${} LARGE ${}\n", i + 14, i + 19); }},
      {"days that run on", 6500, [](int i) { return fmt::format("{} ", i + 1); }},
  };
  for (const Shape& shape : shapes) {
    const std::string honest = prose(15, 200);
    // A model writes each period in tokens of its own, where the tokenizer would join some of two.
    std::vector<int32_t> ids = published().tokenizer.encode(honest);
    const size_t before = ids.size();
    for (int i = 0; ids.size() < before + 7000; ++i) {
      const std::vector<int32_t> once = published().tokenizer.encode(shape.period(i));
      ids.insert(ids.end(), once.begin(), once.end());
    }
    const Found found = watch(ids);
    EXPECT_TRUE(found.loop) << shape.name;
    EXPECT_LE(found.after, before + shape.max_tokens) << shape.name;
    EXPECT_TRUE(!found.loop || found.kept.starts_with(honest)) << shape.name;
  }
}

TEST(Repetition, HalfTheEvidenceIsEnoughWhenTheContextEnds) {
  const std::string sentence = "The undersigned declares that the goods listed above were received in good order.\n";
  RepetitionDetector detector(published().classes);
  for (const int32_t id : published().tokenizer.encode(prose(14, 200))) detector.push(id);
  EXPECT_FALSE(detector.loop_when_cut());
  const int64_t honest = detector.tokens();
  for (const int32_t id : published().tokenizer.encode(repeated(40, sentence))) detector.push(id);
  EXPECT_FALSE(detector.loop());
  ASSERT_TRUE(detector.loop_when_cut());
  EXPECT_NEAR(static_cast<double>(detector.loop_when_cut()->begin), static_cast<double>(honest), 40);
}

// name -> text
std::vector<std::pair<std::string, std::string>> honest_pages() {
  testing::Random random(20);
  const auto number = [&](int64_t most) { return random.between(0, most); };
  const auto cells = [&](int rows, int columns, const std::string& cell, bool names) {
    return "<table>" +
           repeated(rows,
                    [&](int row) {
                      return "<tr>" +
                             (names ? "<td>" + prose(static_cast<uint64_t>(row), 2) + "</td>" : std::string()) +
                             repeated(columns, "<td>" + cell + "</td>") + "</tr>";
                    }) +
           "</table>\n";
  };
  std::vector<std::pair<std::string, std::string>> pages = {
      {"forty rows of 0.00", cells(40, 1, "0.00", false)},
      {"forty rows of twelve 0.00", cells(40, 12, "0.00", false)},
      {"forty named rows of twelve 0.00", cells(40, 12, "0.00", true)},
      {"an attendance sheet", cells(40, 31, "", true)},
      {"an empty grid", cells(40, 31, "", false)},
      {"N/A", cells(40, 8, "N/A", false)},
      {"ditto marks", cells(60, 6, "〃", false) + repeated(60, "\"\n")},
      {"0.00 without a table", repeated(40, repeated(8, "0.00 ") + "\n")},
      {"0.00 column by column", repeated(8, repeated(40, "0.00\n") + "\n")},
      {"a Markdown table of empty cells", repeated(45, "|  |  |  |  |  |  |  |  |  |  |  |  |\n")},
      {"a Markdown table of dashes", repeated(60, "| " + repeated(12, "- | ") + "\n")},
      {"a column of one name", repeated(120, "Germany\n") + repeated(60, "France\n")},
      {"dot leaders", repeated(60,
                               [&](int i) {
                                 return prose(static_cast<uint64_t>(i), 4) +
                                        repeated(static_cast<int>(20 + number(60)), ".") + fmt::format(" {}\n", 3 * i);
                               })},
      {"dot leaders with spaces", repeated(60,
                                           [&](int i) {
                                             return prose(static_cast<uint64_t>(i), 3) + repeated(40, ". ") +
                                                    fmt::format("{}\n", i);
                                           })},
      {"equal dot leaders",
       repeated(60, [&](int i) { return fmt::format("Chapter {} {} {}\n", i + 1, std::string(60, '.'), 5 * i + 3); })},
      {"lines to fill in", repeated(60, std::string(90, '_') + "\n")},
      {"a form", repeated(40, "Name: ______________________ Date: ____________\n")},
      {"a numbered form",
       repeated(60, [](int i) { return fmt::format("{}. ____________________________________\n", i + 1); })},
      {"a numbered list",
       repeated(150, [](int i) { return fmt::format("{}. ", i + 1) + prose(static_cast<uint64_t>(i), 9) + "\n"; })},
      {"one to a thousand", repeated(1000, [](int i) { return fmt::format("{} ", i + 1); })},
      {"one to four hundred in lines", repeated(400, [](int i) { return fmt::format("{}\n", i + 1); })},
      {"page numbers of an index", repeated(300,
                                            [&](int i) {
                                              return prose(static_cast<uint64_t>(i), 1) +
                                                     fmt::format(", {}, {}\n", number(400), number(400));
                                            })},
      {"a poem with a refrain",
       repeated(
           20,
           [](int i) {
             return prose(static_cast<uint64_t>(i), 24) +
                    "Sing heigh-ho unto the green holly:\nMost friendship is feigning, most loving mere folly.\n\n";
           })},
      {"a chorus", repeated(40, "Na na na na, hey hey hey, goodbye\n")},
      {"la la la", repeated(8, repeated(40, "la ") + "\n")},
      {"address labels", repeated(30, "Mr John Archibald Featherstone\n12 Long Meadow Lane\nAB12 3CD Aberdeen\n\n")},
      {"raffle tickets", repeated(24,
                                  [](int i) {
                                    return fmt::format(
                                        "Ticket {:04} for the summer fair of the village school, one prize in five\n\n",
                                        i + 100);
                                  })},
      {"four copies of a form", repeated(4, prose(30, 230) + "\n\n")},
      {"a time table", "<table>" +
                           repeated(60,
                                    [&](int row) {
                                      return "<tr>" +
                                             repeated(12,
                                                      [&](int stop) {
                                                        return fmt::format("<td>{:02}:{:02}</td>",
                                                                           (5 + row / 4 + stop / 6) % 24,
                                                                           (row * 15 + stop * 7) % 60);
                                                      }) +
                                             "</tr>";
                                    }) +
                           "</table>"},
      {"a table of numbers",
       "<table>" +
           repeated(80,
                    [&](int) {
                      return "<tr>" +
                             repeated(12,
                                      [&](int) { return fmt::format("<td>{}.{:02}</td>", number(99), number(99)); }) +
                             "</tr>";
                    }) +
           "</table>"},
      {"a ledger", repeated(80,
                            [&](int) {
                              return fmt::format(
                                  "{:02}.{:02}.2024 Card payment at the supermarket in the high street {}.{:02} EUR\n",
                                  number(30), number(11), number(500), number(99));
                            })},
      {"a year",
       repeated(12,
                [&](int month) {
                  return prose(static_cast<uint64_t>(month), 1) + "\nMo Tu We Th Fr Sa Su\n" +
                         repeated(31, [](int day) { return fmt::format("{}{}", day + 1, day % 7 == 6 ? "\n" : " "); }) +
                         "\n";
                })},
      {"a year of tables",
       repeated(
           12,
           [&](int month) {
             return prose(static_cast<uint64_t>(month), 1) +
                    "<table><tr><td>Mo</td><td>Tu</td><td>We</td><td>Th</td><td>Fr</td><td>Sa</td><td>Su</td></tr>" +
                    repeated(5,
                             [](int week) {
                               return "<tr>" +
                                      repeated(
                                          7, [&](int day) { return fmt::format("<td>{}</td>", week * 7 + day + 1); }) +
                                      "</tr>";
                             }) +
                    "</table>";
           })},
      {"multiplication", repeated(10,
                                  [](int a) {
                                    return repeated(10, [&](int b) {
                                      return fmt::format("{} x {} = {}\n", a + 1, b + 1, (a + 1) * (b + 1));
                                    });
                                  })},
      {"binary",
       repeated(40, [&](int) { return repeated(64, [&](int) { return fmt::format("{} ", number(1)); }) + "\n"; })},
      {"yes and no",
       "<table>" +
           repeated(40,
                    [&](int row) {
                      return "<tr><td>" + prose(static_cast<uint64_t>(row), 6) + "</td>" +
                             repeated(8, [&](int) { return number(1) == 0 ? "<td>Yes</td>" : "<td>No</td>"; }) +
                             "</tr>";
                    }) +
           "</table>"},
      {"pictures", repeated(60,
                            [&](int i) {
                              return fmt::format("<|ref|>image<|/ref|><|det|>[[{}, {}, {}, {}]]<|/det|>\n", i % 6 * 160,
                                                 i / 6 * 90, i % 6 * 160 + 150, i / 6 * 90 + 80);
                            })},
      {"grounded paragraphs", repeated(80,
                                       [&](int i) {
                                         return fmt::format("<|ref|>text<|/ref|><|det|>[[{}, {}, {}, {}]]<|/det|>\n",
                                                            50, i * 12, 950, i * 12 + 10) +
                                                prose(static_cast<uint64_t>(i), 20) + "\n";
                                       })},
      {"answer boxes", repeated(80, [](int i) { return fmt::format("{}. A B C D E\n", i + 1); })},
      {"boxes to tick", repeated(30, [](int i) { return prose(static_cast<uint64_t>(i), 5) + "\n☐ Yes ☐ No\n"; })},
      {"a chat", repeated(60,
                          [&](int i) {
                            return fmt::format("Little Fish {:02}:{:02}\n", 9 + i / 30, i % 60) +
                                   prose(static_cast<uint64_t>(i), static_cast<int>(1 + number(5))) + "\n";
                          })},
      {"a hex dump",
       repeated(40,
                [&](int i) {
                  return fmt::format("{:08x} ", 16 * i) +
                         repeated(16, [&](int) { return fmt::format("{:02x} ", number(8) == 0 ? number(255) : 0); }) +
                         "|................|\n";
                })},
      {"a guitar tab",
       repeated(10,
                [&](int) {
                  return repeated(6, [&](int string) {
                    return std::string(1, "eBGDAE"[string]) + "|" +
                           repeated(16, [&](int) { return number(4) == 0 ? fmt::format("{}-", number(12)) : "--"; }) +
                           "|\n";
                  });
                })},
      {"a sequence of bases",
       repeated(25,
                [&](int i) {
                  return fmt::format("{} ", 60 * i + 1) +
                         repeated(6,
                                  [&](int) {
                                    return repeated(10, [&](int) { return std::string(1, "acgt"[number(3)]); }) + " ";
                                  }) +
                         "\n";
                })},
      {"a crossword", repeated(15, "|" + repeated(15, [&](int) { return number(3) == 0 ? " # |" : "   |"; }) + "\n")},
      {"a price list", repeated(60,
                                [&](int i) {
                                  return prose(static_cast<uint64_t>(i), 2) +
                                         fmt::format("\nSMALL ${}\nMEDIUM ${}\nLARGE ${}\n\n", 12 + number(4),
                                                     16 + number(4), 20 + number(6));
                                })},
      {"digits of pi", repeated(1500, [&](int) { return fmt::format("{:03}", number(999)); })},
      {"prose", prose(40, 3000)},
  };
  return pages;
}

TEST(Repetition, HonestPagesPass) {
  for (const auto& [name, text] : honest_pages()) {
    for (const std::string& before : {std::string(), prose(50, 100)}) {
      const Found found = watch(before + text + prose(51, 200));
      EXPECT_FALSE(found.loop) << name << ", " << found.after << " tokens: " << name_of(found.loop->kind) << ", period "
                               << found.loop->period << " from " << found.loop->begin;
    }
  }
}

TEST(Repetition, OrdinaryTextSettlesSoon) {
  for (const std::string name : {"prose", "a table of numbers", "a numbered list", "grounded paragraphs"}) {
    for (const auto& [page, text] : honest_pages()) {
      if (page != name) continue;
      RepetitionDetector detector(published().classes);
      int64_t most = 0, sum = 0;
      for (const int32_t id : published().tokenizer.encode(text)) {
        const int64_t before = detector.committed();
        detector.push(id);
        EXPECT_GE(detector.committed(), before);
        most = std::max(most, detector.tokens() - detector.committed());
        sum += detector.tokens() - detector.committed();
      }
      EXPECT_LT(sum / detector.tokens(), 80) << name;
      EXPECT_LT(most, 400) << name;
    }
  }
}

TEST(Repetition, CopiesAreIndependent) {
  RepetitionDetector detector(published().classes);
  for (const int32_t id : published().tokenizer.encode(prose(60, 50))) detector.push(id);
  RepetitionDetector copy = detector;
  for (int i = 0; i < 2000; ++i) copy.push(i % 7 + 5000);
  EXPECT_TRUE(copy.loop());
  EXPECT_FALSE(detector.loop());
}

TEST(Repetition, AnyIdIsTaken) {
  RepetitionDetector detector(published().classes);
  for (int i = 0; i < 2000; ++i) detector.push(i % 3 == 0 ? -1 : INT32_MAX - i % 3);
  EXPECT_TRUE(detector.loop());
}

}  // namespace
}  // namespace lectern
