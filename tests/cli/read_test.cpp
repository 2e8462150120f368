// `lectern read`: what it writes, where, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/read_command.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using testing::banner;
using testing::expect_refusal;
using testing::files_in;
using testing::golden_images;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::quick;
using testing::ReadCommand;
using testing::receipt;
using testing::slurp;
using ::testing::StartsWith;
using testing::TerminalProcess;
namespace fs = std::filesystem;

TEST_F(ReadCommand, WritesTheTextAndALineBreak) {
  const Outcome outcome = read(quick + banner);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_GT(outcome.out.size(), 5u);
  EXPECT_TRUE(outcome.out.ends_with('\n'));
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("lectern: "), HasSubstr("cut short after 40 tokens, the most that was asked for")));
}

TEST_F(ReadCommand, PartsInputsByAFormFeed) {
  const Outcome outcome = read(quick + banner + " " + receipt);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, text_of(banner) + "\f" + text_of(receipt));
}

TEST_F(ReadCommand, WritesTheFormatsThatHaveSwitches) {
  EXPECT_EQ(read(quick + banner + " --boxes --raw --format json -o out/").code, 0);
  for (const std::string file : {"banner.boxes.png", "banner.mmd", "banner.json"}) {
    EXPECT_TRUE(fs::exists(folder / "out" / file)) << file;
  }
  EXPECT_EQ(files_in(folder / "out"), 3u);
}

TEST_F(ReadCommand, WritesHowSureItWasOfEveryToken) {
  const auto page_of = [&](const std::string& options) {
    return nlohmann::json::parse(read(quick + banner + " --format json " + options).out)["pages"][0];
  };
  EXPECT_FALSE(page_of("").contains("token_logprobs"));
  const nlohmann::json page = page_of("--logprobs");
  ASSERT_EQ(page["token_logprobs"].size(), 40u);
  EXPECT_EQ(page["tokens"]["text"], 40);
  for (const double logprob : page["token_logprobs"]) {
    EXPECT_LE(logprob, 0);
    EXPECT_GT(logprob, -20);
  }
}

TEST_F(ReadCommand, RefusesWrongUsage) {
  expect_refusal(testing::lectern(folder, ""), 2, "expected a command: read, ");
  expect_refusal(testing::lectern(folder, banner), 2, "as in: lectern read " + banner);
  expect_refusal(testing::lectern(folder, "--frob"), 2, "--frob");
  expect_refusal(read(""), 2, "INPUT is required; see lectern read --help");
  expect_refusal(read(banner + " --frob"), 2, "--frob");
  expect_refusal(read(banner + " --mode"), 2, "--mode");
  for (const std::string number : {"0", "-3", "few", "1.5", "99999999999999999999"}) {
    expect_refusal(read(banner + " --max-tokens=" + number), 2, "--max-tokens: Value " + number);
  }
  expect_refusal(read(banner + " --threads 0"), 2, "--threads: Value 0 not in range 1 to 1024");
}

TEST_F(ReadCommand, RefusesValuesThatAreNone) {
  for (const std::string option : {"-o", "--report", "--pages", "--password-file"}) {
    expect_refusal(read(banner + " " + option + " ''"), 2, "'': expected a name; leave the option out");
  }
  expect_refusal(read(banner + " --dpi nan"), 2, "--dpi: Value nan not in range 20 to 1200");
  expect_refusal(read(banner + " --dpi 19"), 2, "--dpi: Value 19 not in range 20 to 1200");
  expect_refusal(read(banner + " --review-below nan"), 2, "--review-below: Value nan not in range 0 to 1");
}

TEST_F(ReadCommand, ExplainsItself) {
  for (const std::string command : {"", "read", "trace", "inspect"}) {
    const Outcome outcome = testing::lectern(folder, command + " --help");
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, HasSubstr("Usage: lectern " + command));
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_THAT(testing::lectern(folder, "--version").out, StartsWith("lectern "));
}

TEST_F(ReadCommand, ReadsTheGoodAmongBadInputs) {
  const std::string junk = folder.write("junk.png", "no picture").string();
  const Outcome outcome = read(quick + "nothing.png " + banner + " " + junk);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, text_of(banner));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("lectern: nothing.png: there is no such file"),
                                 HasSubstr("lectern: " + junk + ": not a picture")));
}

TEST_F(ReadCommand, SaysWhenNothingCouldBeRead) {
  expect_refusal(read("--mode tiny nothing.png"), 2, "nothing.png: there is no such file");
  expect_refusal(read("--mode tiny nothing.png -o out.txt"), 2, "nothing.png: there is no such file");
  EXPECT_FALSE(fs::exists(folder / "out.txt"));
  expect_refusal(read("--mode tiny 'two\nlines.png'"), 2, "two?lines.png");
}

TEST_F(ReadCommand, SaysWhatAModelFolderMustHold) {
  const std::string needed = "config.json, tokenizer.json and .safetensors";
  fs::create_directory(folder / "empty");
  expect_refusal(read(banner + " --model nowhere"), 2, needed);
  expect_refusal(read(banner + " --model empty"), 2, needed);
  expect_refusal(read(banner, "LECTERN_MODEL=nowhere"), 2, "nowhere: there is no such folder");
  if (!fs::exists(LECTERN_SHIPPED_MODEL)) {
    expect_refusal(read(banner, "LECTERN_MODEL="), 2, needed);
  }
  fs::copy(TEST_DATA "/goldens/mini/config.json", folder / "empty");
  expect_refusal(read(banner + " --model empty"), 2, "has no .safetensors file");
  for (const auto& file : fs::directory_iterator(TEST_DATA "/goldens/mini")) {
    if (file.path().extension() == ".safetensors") fs::copy(file.path(), folder / "empty");
  }
  expect_refusal(read(banner + " --model empty"), 2, "tokenizer.json");
}

TEST_F(ReadCommand, RefusesAModeThatTheModelWasNotTrainedForUnlessForced) {
  fs::copy(TEST_DATA "/goldens/mini", folder / "small");
  std::string config = slurp(folder / "small/config.json");
  const size_t sizes = config.find("1024", config.find("candidate_resolutions"));
  config.replace(sizes, 4, "256");
  config.replace(config.find("1024", sizes), 4, "256");
  folder.write("small/config.json", config);
  const std::string small = "--model small --max-tokens 5 " + banner;
  expect_refusal(read(small + " --mode base"), 2, "trained on one view of 256 pixels and does not know mode base");
  EXPECT_EQ(read(small + " --mode tiny --force-mode").code, 0);
  EXPECT_EQ(read(small).code, 0);
  EXPECT_EQ(read(small + " --mode native").code, 0);
  expect_refusal(read(small + " --mode vast"), 2, "unknown mode 'vast'; choose tiny, small, base");
}

TEST_F(ReadCommand, RefusesAPromptWithTwoPictures) {
  expect_refusal(read(quick + banner + " --prompt '<image><image>'"), 2, "2 times, expected once");
}

TEST_F(ReadCommand, WritesOneFile) {
  const std::string text = text_of(banner);
  for (const std::string also : {"", "--quiet "}) {
    const Outcome outcome = read(quick + also + banner + " nothing.png " + receipt + " -o out.txt");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out, "");
    std::string second = text_of(receipt);
    second.replace(second.find("Page 1"), 6, "Page 2");
    EXPECT_EQ(slurp(folder / "out.txt"), text + "\n" + second);
  }
  EXPECT_EQ(read(quick + banner + " -o -").out, text);
  EXPECT_EQ(files_in(folder.path()), 4u) << "out.txt, out.txt.journal, .out and .err";
}

TEST_F(ReadCommand, WritesAFileForEachInputIntoAFolder) {
  const std::string text = text_of(banner), receipt_text = text_of(receipt);
  for (const std::string name : {"a/x.png", "a/x.jpg", "b/x.png", "b/y.png"}) {
    fs::create_directories((folder / name).parent_path());
    fs::copy(name == "b/x.png" ? receipt : banner, folder / name);
  }
  EXPECT_EQ(read(quick + "a/x.png a/x.jpg b/x.png b/y.png nothing.png -o new/out/").code, 1);
  EXPECT_EQ(slurp(folder / "new/out/a-x.png.txt"), text);
  EXPECT_EQ(slurp(folder / "new/out/a-x.jpg.txt"), text);
  EXPECT_EQ(slurp(folder / "new/out/b-x.png.txt"), receipt_text);
  EXPECT_EQ(slurp(folder / "new/out/y.txt"), text);
  EXPECT_EQ(files_in(folder / "new/out"), 5u) << "with the journal, since one input is missing";

  EXPECT_EQ(read(quick + "b/y.png -o new --prompt markdown").code, 0) << "a folder that is there needs no slash";
  EXPECT_TRUE(fs::exists(folder / "new/y.md"));
}

// A file of the user's is never destroyed, whatever is mistyped; and that is seen before a model is loaded.
TEST_F(ReadCommand, ReplacesNoFileOfTheUsers) {
  const std::string one = slurp(banner), two = slurp(receipt);
  folder.write("one.png", one);
  folder.write("two.png", two);
  folder.write("photo.jpg", "\xff\xd8\xff a photo");
  fs::create_directory(folder / "three_boxes");
  folder.write("three_boxes/page-1.png", two);
  folder.write("three.pdf", testing::pdf_of({{}, {}, {}}));
  folder.write("notes.txt", "precious");
  folder.write("config.json", "{\"precious\": true}");
  folder.write("texts.journal", "Dear diary\n");
  const std::string long_name_stem(251, 'x'), long_name = long_name_stem + ".png";
  folder.write(long_name, one);
  fs::create_hard_link(folder / "two.png", folder / "hard.png");
  fs::create_symlink("two.png", folder / "link.png");
  const std::vector<std::pair<std::string, std::string>> refusals = {
      {"--report one.png two.png", "one.png: holds a picture, and the report would replace it"},
      {"one.png --report one.png -o one.txt", "one.png: is an input, and the report would replace it"},
      {"two.png --report hard.png", "hard.png: is an input"},
      {"two.png -o link.png --format txt", "link.png: is an input"},
      {"one.png --report notes.txt", "notes.txt: holds text, and the report would replace it"},
      {"one.png --report config.json", "config.json: holds JSON that lectern did not write, and the report would"},
      {"one.png -o config.json", "config.json: holds JSON that lectern did not write, and json would replace it"},
      {"one.png -o config.json --format txt", "config.json: holds JSON, and txt would replace it"},
      {"one.png --report -", "--report -: standard output has the text; name a file"},
      {"one.png -o texts",
       "texts.journal: is no journal of lectern, or its first line is damaged; name another "
       "output, or --restart to set it aside"},
      {"'" + long_name + "' --format json -o .", long_name_stem + ".json: this name for json has 256 bytes"},
      {"one.png -o " + long_name_stem, ".journal: this name for the journal has 259 bytes"},
      {"-o photo.jpg two.png", "photo.jpg: there is no format of the name '.jpg'"},
      {"two.png -o photo.jpg --format txt", "photo.jpg: holds a picture"},
      {"three.pdf three_boxes/page-1.png -o . --format boxes", "three_boxes/page-1.png: is an input"},
      {"one.png -o new.txt --report new.txt", "new.txt: would be written twice, for the report and for txt"},
      {"one.png -o two.txt --raw --report two.mmd", "two.mmd: would be written twice, for the report and for raw"},
      {"one.png -o x.txt --report x.txt.journal", "x.txt.journal: would be written twice"},
      {"one.png -o x.xml", "x.xml: there is no format of the name '.xml'"},
      {"one.png -o x.html.gz", "x.html.gz: there is no format of the name '.gz'"},
      {"one.png two.png -o out.png", "out.png: boxes is a file for each page, and there are 2 inputs"},
  };
  fs::create_directory(folder / "broken");
  fs::copy(TEST_DATA "/goldens/mini/config.json", folder / "broken");
  for (const auto& [arguments, reason] : refusals) expect_refusal(read(arguments + " --model broken"), 2, reason);
  EXPECT_EQ(slurp(folder / "one.png"), one);
  EXPECT_EQ(slurp(folder / "two.png"), two);
  EXPECT_EQ(slurp(folder / "three_boxes/page-1.png"), two);
  EXPECT_EQ(slurp(folder / "notes.txt"), "precious");
  EXPECT_EQ(slurp(folder / "texts.journal"), "Dear diary\n");
  EXPECT_EQ(files_in(folder.path()), 14u) << "and nothing was made";
}

TEST_F(ReadCommand, ReadsWithTheLargerModelThatShips) {
  const Outcome outcome = read("'" LECTERN_SAMPLES "/hello.png' --model primer-large");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, slurp(LECTERN_SAMPLES "/hello.txt"));
}

TEST_F(ReadCommand, AsksForPlacesWhereAFormatLivesFromThem) {
  const std::string primer = "--model '" LECTERN_SHIPPED_MODEL "' '" LECTERN_SAMPLES "/hello.png' ";
  EXPECT_EQ(read(primer + "-o x.hocr").code, 0);
  EXPECT_THAT(slurp(folder / "x.hocr"), AllOf(HasSubstr("content=\"markdown\""), HasSubstr("ocrx_word")));
  EXPECT_EQ(read(primer + "-o x.json").code, 0);
  EXPECT_FALSE(nlohmann::json::parse(slurp(folder / "x.json"))["pages"][0]["blocks"][0]["boxes"].empty());
  EXPECT_EQ(read(primer + "-o y.json --prompt free").code, 0);
  EXPECT_EQ(nlohmann::json::parse(slurp(folder / "y.json"))["prompt"], "free");
  EXPECT_EQ(read(primer + "--format json --prompt '<|grounding|>Convert the document to markdown.'").code, 0);
  EXPECT_EQ(read(primer + "--prompt '<|grounding|>Convert the document to markdown. ' --raw").out,
            read(primer + "--prompt markdown --raw").out);
}

TEST_F(ReadCommand, RefusesAPlaceThatCannotBeWritten) {
  folder.write("file", "precious");
  expect_refusal(read(quick + banner + " -o missing/out.txt"), 2, "missing/out.txt: cannot be written");
  expect_refusal(read(quick + banner + " -o file/"), 2, "file/: the folder cannot be made");
  expect_refusal(read(quick + banner + " -o file/out.txt"), 2, "file/out.txt: cannot be written");
  expect_refusal(read(quick + banner + " -o /proc/out/"), 2, "/proc/out/: the folder cannot be made");
  expect_refusal(read(quick + banner + " -o /dev/full"), 2, "/dev/full: is a device");
  expect_refusal(read(quick + "file -o ./file"), 2, "./file: is an input");
  expect_refusal(read(banner + " --model nowhere -o new/"), 2, "nowhere: there is no such folder");
  EXPECT_FALSE(fs::exists(folder / "new"));
  EXPECT_EQ(slurp(folder / "file"), "precious");
}

TEST_F(ReadCommand, LeavesNoHalfFileWhenTheDiskIsFull) {
  folder.write("out.txt", "precious");
  fs::create_directory(folder / "out");
  for (const std::string out : {"out.txt", "out", "new.txt"}) {
    // No file may grow; standard error is a pipe.
    const std::string command =
        testing::in_folder(folder, "(trap '' XFSZ; ulimit -f 0; '" LECTERN_BINARY "' read --quiet " + quick + banner +
                                       " -o " + out + "; echo exit $?) 2>&1 | cat >.err");
    ASSERT_EQ(std::system(command.c_str()), 0);
    EXPECT_THAT(slurp(folder / ".err"), AllOf(HasSubstr("cannot be written: File too large\n"), HasSubstr("exit 2\n")));
  }
  EXPECT_EQ(slurp(folder / "out.txt"), "precious");
  EXPECT_EQ(files_in(folder / "out"), 0u);
  EXPECT_EQ(files_in(folder.path()), 3u) << "out.txt, out and .err";
}

TEST_F(ReadCommand, SaysThatStandardOutputIsLost) {
  const std::string reason = "standard output: cannot be written: ";
  const auto expect_loss = [&](const std::string& arguments, const std::string& why) {
    const Outcome outcome = read(quick + arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.ends_with("lectern: " + reason + why + "\n")) << outcome.err;
  };
  expect_loss(banner + " " + receipt + " >/dev/full", "No space left on device");
  expect_loss(banner + " >&-", "Bad file descriptor");
  expect_refusal(testing::lectern(folder, "--help >/dev/full"), 2, reason);
  EXPECT_EQ(read(quick + banner + " 2>&-").code, 0);
  EXPECT_EQ(read(quick + banner + " 2>/dev/full").code, 0);
  EXPECT_EQ(read("nothing.png 2>/dev/full").code, 2);
  EXPECT_EQ(read(quick + banner + " -o out.txt <&- >&- 2>&-").code, 0);
  EXPECT_EQ(slurp(folder / "out.txt"), text_of(banner));
}

TEST_F(ReadCommand, ShowsItsProgressOnATerminalOnly) {
  TerminalProcess process(folder, "read " + quick + banner + " nothing.png");
  EXPECT_EQ(process.wait(), 1);
  EXPECT_THAT(process.shown(), AllOf(HasSubstr(banner + ": looking at the page"), HasSubstr("taking in 84 tokens"),
                                     HasSubstr("tiny mode, 73 image tokens in ")));
  TerminalProcess quiet(folder, "read --quiet " + quick + banner);
  EXPECT_EQ(quiet.wait(), 0);
  EXPECT_THAT(quiet.shown(), Not(HasSubstr("looking")));
}

TEST_F(ReadCommand, WritesSeveralFormatsAndAReport) {
  EXPECT_EQ(read(quick + banner + " nothing.png -o out.md --format md,json --report report.json --prompt free").code,
            1);
  EXPECT_THAT(slurp(folder / "out.md"), StartsWith(text_of(banner).substr(0, 2)));
  const auto document = nlohmann::json::parse(slurp(folder / "out.json"));
  EXPECT_EQ(document["pages"][0]["finish"], "length");
  EXPECT_EQ(document["pages"][0]["warnings"].back()["code"], "cut_short");
  const auto report = nlohmann::json::parse(slurp(folder / "report.json"));
  EXPECT_EQ(report["exit_code"], 1);
  EXPECT_EQ(report["read"], 1);
  EXPECT_THAT(report["errors"][0].get<std::string>(), HasSubstr("nothing.png"));
  expect_refusal(read(quick + banner + " --format md,json"), 2, "several formats need files");
  expect_refusal(read(quick + banner + " --report missing/report.json"), 2, "missing/report.json: cannot be written");
}

TEST_F(ReadCommand, WritesBoxesAndTheRawTextBesideTheOthers) {
  EXPECT_EQ(read(quick + banner + " -o out.md --boxes --raw --prompt free").code, 0);
  EXPECT_THAT(slurp(folder / "out.boxes.png"), StartsWith("\x89PNG"));
  EXPECT_THAT(slurp(folder / "out.md"), StartsWith(slurp(folder / "out.mmd").substr(0, 2)));
  EXPECT_THAT(read(quick + banner + " --boxes").out, StartsWith("\x89PNG"));
  EXPECT_EQ(read(quick + banner + " --raw").out, slurp(folder / "out.mmd"));
  TerminalProcess process(folder, "read " + quick + banner + " --boxes >&2");
  EXPECT_EQ(process.wait(), 2);
  EXPECT_THAT(process.shown(), HasSubstr("--format boxes is not for a terminal; name a file with -o"));
}

TEST_F(ReadCommand, MakesAFolderOfANameWithoutExtension) {
  fs::create_directory(folder / "in");
  fs::copy(banner, folder / "in/a.png");
  EXPECT_EQ(read(quick + "in -o texts").code, 0);
  EXPECT_EQ(slurp(folder / "texts/a.txt"), text_of(banner));
  EXPECT_EQ(read(quick + "in/a.png -o text").code, 0);
  EXPECT_EQ(slurp(folder / "text"), text_of(banner));
}

TEST_F(ReadCommand, SaysWhatIsMistypedBeforeItLoadsTheModel) {
  fs::create_directory(folder / "empty");
  fs::copy(TEST_DATA "/goldens/mini/config.json", folder / "empty");
  folder.write("empty/model.safetensors", "no weights");
  const std::string broken = "--model empty ";
  expect_refusal(read(broken + banner + " --pages 3-1"), 2, "3-1 runs backwards");
  expect_refusal(read(broken + banner + " --format docx"), 2, "there is no format 'docx'");
  expect_refusal(read(broken + "nothing.png --report report.json"), 2, "nothing.png: there is no such file");
  EXPECT_EQ(nlohmann::json::parse(slurp(folder / "report.json"))["exit_code"], 2);
  expect_refusal(read(broken + banner), 2, "model.safetensors");
}

TEST_F(ReadCommand, WritesItsReportToStandardOutputWhereThatIsFree) {
  const Outcome outcome = read(quick + banner + " -o out.txt --report -");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["read"], 1);
  EXPECT_FALSE(fs::exists(folder / "-"));
}

TEST_F(ReadCommand, SetsAsideWhatIsNoJournalWhenAskedToRestart) {
  folder.write("out.txt.journal", std::string("\0\1\2garbage", 10));
  expect_refusal(read(quick + banner + " -o out.txt"), 2, "or --restart to set it aside and read everything");
  const Outcome outcome = read(quick + banner + " -o out.txt --restart");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err,
              HasSubstr("out.txt.journal: was no journal that can be read, and is out.txt.journal.damaged"));
  EXPECT_EQ(slurp(folder / "out.txt.journal.damaged"), std::string("\0\1\2garbage", 10));
  EXPECT_FALSE(fs::exists(folder / "out.txt.journal"));
  folder.write("out.txt.journal", "{\"dpi\":0.0,\"lectern_journal\":3,\"max tok");
  EXPECT_THAT(read(quick + banner + " -o out.txt").err,
              HasSubstr("is cut off in its first line; everything is read anew"));
}

TEST_F(ReadCommand, ReadsPagesOfAPdf) {
  folder.write("book.pdf", testing::pdf_of({{}, {.content = testing::filled("0 0 0", 50, 20, 40, 10)}, {}}));
  const Outcome outcome = read(quick + "book.pdf --pages 2- --dpi 72 --format json");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto document = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(document["pages"].size(), 2u);
  EXPECT_EQ(document["pages"][0]["number"], 2);
  EXPECT_EQ(document["pages"][0]["width"], 200);
  EXPECT_EQ(document["pages"][1]["blank"], true);
  expect_refusal(read(quick + "book.pdf --pages 7"), 2, "book.pdf");
}

TEST_F(ReadCommand, KeepsThePagesOfAPdfThatHaveText) {
  folder.write("a.pdf", testing::pdf_of({{.content = "BT /F 20 Tf 10 40 Td (first) Tj ET"},
                                         {.content = "BT 3 Tr /F 20 Tf 10 40 Td (second) Tj ET"}}));
  const Outcome kept = read("a.pdf -o out.pdf --report r.json");
  EXPECT_EQ(kept.code, 0) << kept.err;
  EXPECT_THAT(kept.err, HasSubstr("a.pdf: 2 pages have text already and stay as they are"));
  EXPECT_THAT(slurp(folder / "out.pdf"), AllOf(HasSubstr("(first)"), HasSubstr("(second)")));
  nlohmann::json report = nlohmann::json::parse(slurp(folder / "r.json"));
  EXPECT_EQ(report["inputs"][0]["kept"], 2);
  EXPECT_EQ(report["tokens"], 0) << "no model was asked";
  EXPECT_EQ(read("a.pdf -o out/ --format pdf,json --max-tokens 4 --mode tiny --pages 1 --report r.json").code, 0);
  report = nlohmann::json::parse(slurp(folder / "r.json"));
  EXPECT_EQ(report["tokens"], 4) << "the other format needs it";
  EXPECT_THAT(slurp(folder / "out/a.pdf"), AllOf(HasSubstr("(first)"), Not(HasSubstr("(second)"))));
}

TEST_F(ReadCommand, ShowsTheTextOnATerminalWhileItIsRead) {
  TerminalProcess process(folder, "read --model '" LECTERN_SHIPPED_MODEL "' '" LECTERN_SAMPLES "' >&2");
  EXPECT_EQ(process.wait(), 0);
  std::string shown = process.shown();
  for (size_t at = 0; (at = shown.find('\r', at)) != std::string::npos;) shown.erase(at, 1);
  EXPECT_THAT(shown, HasSubstr("Hello,\nthis is\nLectern.\n"));
  EXPECT_LT(shown.find("Hello,"), shown.find("Museum"));
}

TEST_F(ReadCommand, NamesDoNotActOnTheTerminal) {
  const Outcome outcome = read(
      "'\xc2\x9b"
      "31mred.png' '\xe2\x80\xaegnp.exe' 'a\x1b[2J'");
  EXPECT_EQ(outcome.code, 2);
  for (const char* shown : {"?31mred.png: there is no such file", "?gnp.exe: there is", "a?[2J: matches no file"}) {
    EXPECT_THAT(outcome.err, HasSubstr(shown));
  }
  for (const char* acting : {"\xc2\x9b", "\xe2\x80\xae", "\x1b"}) {
    EXPECT_EQ(outcome.err.find(acting), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace lectern
