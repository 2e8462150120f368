#include "core/files/file_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/files/file.h"
#include "core/files/own_output.h"
#include "core/temp_folder.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using testing::slurp;
using testing::TempFolder;
namespace fs = std::filesystem;

const std::string png = "\x89PNG\r\n\x1a\n and so on, beyond its header", pdf = "%PDF-1.4 and so on",
                  jpeg = "\xff\xd8\xff and so on";

class FileGateTest : public ::testing::Test {
 protected:
  // What the gate says of an output; "passed" for one that it lets through.
  std::string output(FileGate& gate, const std::string& name, FileKind kind, std::string_view what = "txt") const {
    try {
      gate.add_output(folder / name, what, kind);
    } catch (const Error& error) {
      return error.what();
    }
    return "passed";
  }
  std::string page_folder(FileGate& gate, const std::string& name) const {
    try {
      gate.add_page_folder(folder / name, "boxes");
    } catch (const Error& error) {
      return error.what();
    }
    return "passed";
  }
  TempFolder folder;
};

TEST_F(FileGateTest, RefusesAnInputUnderEveryName) {
  const fs::path page = folder.write("page.txt", "text");
  fs::create_symlink(page, folder / "symbolic.txt");
  fs::create_hard_link(page, folder / "hard.txt");
  fs::create_directory(folder / "sub");
  FileGate gate;
  gate.add_input(page);
  gate.add_input("-");
  gate.add_input(folder / "none");
  for (const std::string name : {"page.txt", "./page.txt", "sub/../page.txt", "symbolic.txt", "hard.txt"}) {
    EXPECT_THAT(output(gate, name, FileKind::text, "the report"),
                HasSubstr(name + ": is an input, and the report would replace it"))
        << name;
  }
  EXPECT_EQ(output(gate, "other.txt", FileKind::text), "passed");
}

TEST_F(FileGateTest, RefusesTheFilesOfTheModel) {
  fs::create_directory(folder / "model");
  folder.write("model/config.json", "{}");
  FileGate gate;
  gate.add_input_folder(folder / "model");
  gate.add_input_folder(folder / "none");
  EXPECT_THAT(output(gate, "model/config.json", FileKind::json), HasSubstr("is an input"));
  EXPECT_EQ(output(gate, "model/other.json", FileKind::json), "passed");
}

TEST_F(FileGateTest, RefusesAFileThatStandsTwice) {
  fs::create_symlink(folder.write("a.txt", ""), folder / "b.txt");
  fs::create_directory(folder / "real");
  fs::create_directory_symlink(folder / "real", folder / "link");
  FileGate gate;
  EXPECT_EQ(output(gate, "a.txt", FileKind::text), "passed");
  EXPECT_THAT(output(gate, "b.txt", FileKind::json, "the report"),
              HasSubstr("b.txt: would be written twice, for txt and for the report"));
  EXPECT_EQ(output(gate, "real/new.txt", FileKind::text), "passed");
  EXPECT_THAT(output(gate, "link/new.txt", FileKind::text), HasSubstr("would be written twice"));
  EXPECT_EQ(output(gate, "to/be/made.txt", FileKind::text), "passed");
  EXPECT_THAT(output(gate, "to/./be/made.txt", FileKind::text), HasSubstr("would be written twice"));
}

TEST_F(FileGateTest, ReplacesAFileByItsOwnKindAlone) {
  struct Case {
    std::string content;
    FileKind kind;
    std::string answer;
  };
  const std::vector<Case> cases = {
      {"", FileKind::png, "passed"},
      {with_png_mark(png), FileKind::png, "passed"},
      {"%PDF-1.4\n" + std::string(pdf_mark), FileKind::pdf, "passed"},
      {png, FileKind::png, "holds a picture that lectern did not write, and txt would replace it"},
      {pdf, FileKind::pdf, "holds a PDF that lectern did not write"},
      {"text", FileKind::text, "passed"},
      {"{a} and {b}", FileKind::text, "passed"},
      {"{\"a\": 1}", FileKind::text, "holds JSON, and txt would replace it; name another file, or remove it"},
      {"{\"a\": 1}", FileKind::json, "holds JSON that lectern did not write, and txt would replace it"},
      {"{\"schema\": \"lectern-document/1\"}", FileKind::json, "passed"},
      {"{\n \"schema\": \"lectern-report/1\"}", FileKind::json, "passed"},
      {"{\"schema\": \"lectern-document/1\"}", FileKind::text, "holds JSON, and"},
      {std::string("\x20\0\0\0\0\0\0\0{\"model.x\":", 20), FileKind::safetensors,
       "holds tensors that lectern did not write"},
      {"text", FileKind::json, "holds text"},
      {png, FileKind::text, "holds a picture, and txt would replace it"},
      {jpeg, FileKind::png, "holds a picture"},
      {jpeg, FileKind::json, "holds a picture"},
      {pdf, FileKind::text, "holds a PDF"},
      {png, FileKind::pdf, "holds a picture"},
      {"text", FileKind::pdf, "holds text"},
      {png, FileKind::safetensors, "holds a picture"},
      {std::string("PK\x03\x04\0\0", 6), FileKind::text, "holds bytes that are no text"},
  };
  for (const Case& of : cases) {
    folder.write("file", of.content);
    FileGate gate;
    EXPECT_THAT(output(gate, "file", of.kind), HasSubstr(of.answer)) << of.content;
  }
}

TEST_F(FileGateTest, RefusesNamesThatAreTooLong) {
  FileGate gate;
  const std::string longest(251, 'x');
  EXPECT_EQ(output(gate, longest + ".txt", FileKind::text), "passed");
  EXPECT_THAT(output(gate, longest + ".json", FileKind::json),
              HasSubstr(".json: this name for txt has 256 bytes, and the folder takes names of 255; shorten the name"));
  EXPECT_THAT(output(gate, "to/be/made/" + longest + ".hocr", FileKind::text), HasSubstr("has 256 bytes"));
  EXPECT_THAT(page_folder(gate, longest + "_boxes"), HasSubstr("this name for boxes has 257 bytes"));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += std::string(100, 'd') + "/";
  EXPECT_THAT(output(gate, deep + "a.txt", FileKind::text), HasSubstr("this path for txt has"));
  try {
    gate.add_own(folder / (longest + ".journal"), "the journal");
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("this name for the journal has 259 bytes"));
  }
}

// On a file system that takes both for one, the second would replace the first.
TEST_F(FileGateTest, RefusesNewNamesThatDifferOnlyInCase) {
  FileGate gate;
  EXPECT_EQ(output(gate, "Report.json", FileKind::json), "passed");
  EXPECT_THAT(output(gate, "report.json", FileKind::json, "the report"),
              HasSubstr("report.json: differs only in case from " + (folder / "Report.json").string()));
  folder.write("there.txt", "text");
  folder.write("There.txt", "text");
  EXPECT_EQ(output(gate, "there.txt", FileKind::text), "passed");
  EXPECT_EQ(output(gate, "There.txt", FileKind::text), "passed") << "both are there, so they are two";
}

TEST_F(FileGateTest, FollowsLinksToFilesThatAreToBeMade) {
  fs::create_directory(folder / "real");
  fs::create_symlink("real/new.txt", folder / "link.txt");
  FileGate gate;
  EXPECT_EQ(output(gate, "link.txt", FileKind::text), "passed");
  EXPECT_THAT(output(gate, "real/new.txt", FileKind::text), HasSubstr("would be written twice"));
}

TEST_F(FileGateTest, RefusesInputsInAFolderOfPages) {
  fs::create_directory(folder / "a_boxes");
  folder.write("a_boxes/page-1.png", with_png_mark(png));
  folder.write("a_boxes/other.png", png);
  FileGate gate;
  gate.add_input(folder / "a_boxes/other.png");
  EXPECT_EQ(page_folder(gate, "a_boxes"), "passed");
  EXPECT_EQ(page_folder(gate, "b_boxes"), "passed");
  gate.add_input(folder / "a_boxes/page-1.png");
  EXPECT_THAT(page_folder(gate, "a_boxes"), HasSubstr("a_boxes/page-1.png: is an input, and boxes would replace it"));
  fs::create_directory(folder / "c_boxes");
  folder.write("c_boxes/page-1.png", png);
  EXPECT_THAT(page_folder(gate, "c_boxes"), HasSubstr("page-1.png: holds a picture that lectern did not write"));
}

// As on a file system that takes names for one, of which only it knows.
TEST_F(FileGateTest, GuardsWhatWasWrittenUnderAnotherNameWhileItLives) {
  fs::create_directory(folder / "real");
  fs::create_directory_symlink("real", folder / "other");
  const auto write = [&](const std::string& name) {
    AtomicFile file(folder / name);
    file.write(name);
    file.commit();
  };
  {
    const FileGate gate;
    write("real/a.txt");
    EXPECT_THROW(write("other/a.txt"), Error);
    EXPECT_EQ(slurp(folder / "real/a.txt"), "real/a.txt");
    write("real/a.txt");
    write("real/b.txt");
  }
  write("other/a.txt");
  EXPECT_EQ(slurp(folder / "real/a.txt"), "other/a.txt");
}

TEST_F(FileGateTest, GuardsItsInputsWhileItLives) {
  const fs::path page = folder.write("page.png", png);
  fs::create_hard_link(page, folder / "hard.png");
  {
    FileGate gate;
    gate.add_input(page);
    gate.add_input(page);
    FileGate second;
    second.add_input(page);
    EXPECT_THROW(AtomicFile(folder / "hard.png"), Error);
  }
  AtomicFile file(folder / "hard.png");
  file.write("new");
  // It became an input since.
  FileGate late;
  late.add_input(folder / "hard.png");
  EXPECT_THROW(file.commit(), Error);
  EXPECT_EQ(slurp(folder / "hard.png"), png);
}

}  // namespace
}  // namespace lectern
