#include "server/documents/upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "core/temp_folder.h"
#include "server/documents/document_fields.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::slurp;
using testing::TempFolder;

class UploadTest : public ::testing::Test {
 protected:
  const TempFolder folder;
  std::atomic<int64_t> arriving = 0;
  UploadLimits limits{.file_bytes = 1000, .all_bytes = 1500};

  std::unique_ptr<Upload> make(const std::string& name = "x") {
    return std::make_unique<Upload>(folder / name, limits, arriving);
  }
  static std::string file(Upload& upload, const std::string& name, const std::string& content) {
    return refusal(upload.take({.name = "file", .file_name = name, .bytes = content, .offset = 0}));
  }
  static std::string field(Upload& upload, const std::string& name, const std::string& value) {
    return refusal(upload.take({.name = name, .file_name = "", .bytes = value, .offset = 0}));
  }
  // Empty for none; else status and body.
  static std::string refusal(const std::optional<HttpResponse>& response) {
    return response ? std::to_string(response->status) + " " + response->body : "";
  }
  static int status_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const ApiError& error) {
      return error.status;
    }
    return 0;
  }
};

constexpr const char* pdf = "%PDF-1.7\nand so on";

TEST_F(UploadTest, GoesToItsFileInPieces) {
  const auto upload = make();
  EXPECT_EQ(field(*upload, "prompt", "mark"), "");
  EXPECT_EQ(refusal(upload->take({.name = "prompt", .file_name = "", .bytes = "down", .offset = 4})), "");
  EXPECT_EQ(file(*upload, "scan.pdf", "%PDF-1.7\n"), "");
  EXPECT_EQ(refusal(upload->take({.name = "file", .file_name = "scan.pdf", .bytes = "rest", .offset = 9})), "");
  upload->finish();
  EXPECT_EQ(slurp(upload->path()), "%PDF-1.7\nrest");
  EXPECT_EQ(upload->name(), "scan.pdf");
  EXPECT_EQ(upload->fields(), (std::map<std::string, std::string>{{"prompt", "markdown"}}));
  EXPECT_EQ(arriving, 13);
}

TEST_F(UploadTest, LeavesNothingBehind) {
  auto upload = make();
  file(*upload, "scan.pdf", pdf);
  EXPECT_TRUE(fs::exists(folder / "x"));
  upload.reset();
  EXPECT_FALSE(fs::exists(folder / "x"));
  EXPECT_EQ(arriving, 0);
}

TEST_F(UploadTest, TheNameIsShownAndNoPath) {
  const std::vector<std::pair<std::string, std::string>> names = {{"../../etc/passwd", "passwd"},
                                                                  {"C:\\scans\\a.pdf", "a.pdf"},
                                                                  {"", "document"},
                                                                  {"..", "document"},
                                                                  {"a\nb\x01.pdf", "ab.pdf"},
                                                                  {"/", "document"},
                                                                  {"über \"q\".pdf", "über \"q\".pdf"}};
  for (const auto& [sent, shown] : names) {
    const auto upload = make();
    file(*upload, sent, pdf);
    EXPECT_EQ(upload->name(), shown);
    EXPECT_EQ(upload->path(), folder / "x");
  }
  const auto upload = make();
  file(*upload, std::string(199, 'a') + "ü", pdf);
  EXPECT_EQ(upload->name(), std::string(199, 'a')) << "cut between characters";
}

TEST_F(UploadTest, TheDigestIsOfContentAndFields) {
  const auto digest = [&](const std::string& name, const std::string& content, const std::string& seed) {
    const auto upload = make();
    file(*upload, name, content);
    if (!seed.empty()) field(*upload, "seed", seed);
    upload->finish();
    return upload->digest();
  };
  const std::string first = digest("a.pdf", pdf, "");
  EXPECT_EQ(first.size(), 64U);
  EXPECT_EQ(digest("other.pdf", pdf, ""), first);
  EXPECT_NE(digest("a.pdf", std::string(pdf) + "x", ""), first);
  EXPECT_NE(digest("a.pdf", pdf, "1"), first);
}

TEST_F(UploadTest, RefusesWhatIsTooMuch) {
  const auto large = make();
  EXPECT_THAT(file(*large, "a.pdf", std::string(1001, 'x')), HasSubstr("413 "));
  const auto one = make("one"), two = make("two");
  EXPECT_EQ(file(*one, "a.pdf", std::string(900, 'x')), "");
  EXPECT_THAT(file(*two, "a.pdf", std::string(900, 'x')), HasSubstr("507 ")) << "all together";
  const auto fields = make("fields");
  EXPECT_THAT(field(*fields, "prompt", std::string(max_field_bytes + 1, 'x')), HasSubstr("400 "));
}

TEST_F(UploadTest, RefusesUnknownAndRepeatedParts) {
  const auto upload = make();
  EXPECT_THAT(field(*upload, "output", "x"), HasSubstr("output: there is no such field"));
  EXPECT_EQ(field(*upload, "seed", "1"), "");
  EXPECT_THAT(field(*upload, "seed", "2"), HasSubstr("given twice"));
  EXPECT_EQ(file(*upload, "a.pdf", pdf), "");
  EXPECT_THAT(file(*upload, "b.pdf", pdf), HasSubstr("file: expected one"));
}

TEST_F(UploadTest, RefusesWhatIsNoDocument) {
  EXPECT_EQ(status_of([&] { make()->finish(); }), 400);
  const auto content = [&](const std::string& bytes) {
    const auto upload = make();
    file(*upload, "a.pdf", bytes);
    return status_of([&] { upload->finish(); });
  };
  EXPECT_EQ(content(""), 422);
  EXPECT_EQ(content("MZ\x90 and so on"), 415);
  EXPECT_EQ(content("just text"), 415);
  EXPECT_EQ(content(std::string("\0\0\0\0", 4) + pdf), 0) << "rubbish before a PDF";
}

TEST_F(UploadTest, SaysWhenItCannotBeKept) {
  const auto upload = std::make_unique<Upload>(folder / "missing/x", limits, arriving);
  EXPECT_THAT(file(*upload, "a.pdf", pdf), HasSubstr("500 "));
  EXPECT_THAT(file(*upload, "a.pdf", pdf), Not(HasSubstr(folder.path().string())));
}

}  // namespace
}  // namespace lectern::server
