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
      {"{\"a\": 1}", FileKind::text, "passed"},
      {"{\"a\": 1}", FileKind::json, "passed"},
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

TEST_F(FileGateTest, RefusesInputsInAFolderOfPages) {
  fs::create_directory(folder / "a_boxes");
  folder.write("a_boxes/page-1.png", png);
  folder.write("a_boxes/other.png", png);
  FileGate gate;
  gate.add_input(folder / "a_boxes/other.png");
  EXPECT_EQ(page_folder(gate, "a_boxes"), "passed");
  EXPECT_EQ(page_folder(gate, "b_boxes"), "passed");
  gate.add_input(folder / "a_boxes/page-1.png");
  EXPECT_THAT(page_folder(gate, "a_boxes"), HasSubstr("a_boxes/page-1.png: is an input, and boxes would replace it"));
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
