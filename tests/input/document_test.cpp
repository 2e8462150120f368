#include "lectern/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

std::string two_pages() {
  return testing::pdf_of(
      {{.content = testing::filled("1 0 0", 0, 0, 50, 50)}, {.content = testing::filled("0 0 1", 0, 0, 50, 50)}});
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

template <class Work>
std::pair<std::string, ErrorCode> failure(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.what(), error.code()};
  }
  return {"no error", ErrorCode::io};
}

TEST(Document, OpensAPdfFromMemoryAsFromAFile) {
  const TempFolder folder;
  const std::string pdf = two_pages();
  Document file = Document::open(folder.write("a.pdf", pdf), {.dpi = 100});
  Document memory = Document::from_bytes(bytes_of(pdf), "upload", {.dpi = 100});
  ASSERT_EQ(memory.pages(), 2);
  ASSERT_EQ(file.pages(), 2);
  EXPECT_TRUE(memory.warnings().empty());
  for (const int index : {1, 0}) {
    const Image image = memory.image(index);
    EXPECT_TRUE(std::ranges::equal(image.pixels(), file.image(index).pixels()));
    EXPECT_EQ(image.pixels().size(), 3u * static_cast<size_t>(image.width()) * static_cast<size_t>(image.height()));
    EXPECT_EQ(image.name(), "upload: page " + std::to_string(index + 1));
    EXPECT_EQ(image.about().number, index + 1);
    EXPECT_EQ(image.about().dpi, 100);
    EXPECT_EQ(image.about().width, image.width());
  }
}

TEST(Document, OpensAPicture) {
  Document document = Document::open(TEST_DATA "/goldens/images/banner.png");
  EXPECT_EQ(document.pages(), 1);
  EXPECT_EQ(document.image(0).name(), document.name());
  const Document moved = std::move(document);
  EXPECT_EQ(moved.pages(), 1);
}

TEST(Document, SaysWhatIsWrongAndOfWhatKindItIs) {
  Document document = Document::from_bytes(bytes_of(two_pages()), "upload");
  auto [message, code] = failure([&] { document.image(2); });
  EXPECT_THAT(message, HasSubstr("upload: page 3 does not exist; there are 2"));
  EXPECT_EQ(code, ErrorCode::not_found);
  std::tie(message, code) = failure([] { Document::open("/nowhere/a.pdf"); });
  EXPECT_THAT(message, HasSubstr("/nowhere/a.pdf: "));
  EXPECT_EQ(code, ErrorCode::not_found);
  std::tie(message, code) = failure([] { Document::from_bytes(bytes_of("%PDF-1.4 and nothing else"), "upload"); });
  EXPECT_THAT(message, HasSubstr("upload: "));
  EXPECT_EQ(code, ErrorCode::corrupt_input);
  std::tie(message, code) = failure([] { Document::from_bytes({}, "upload"); });
  EXPECT_THAT(message, HasSubstr("upload: is empty"));
  EXPECT_EQ(code, ErrorCode::corrupt_input);
  std::tie(message, code) = failure([] { Document::open(TEST_DATA "/pdf/user-and-owner-aes256.pdf"); });
  EXPECT_THAT(message, HasSubstr("is encrypted; give its password with `password`"));
  EXPECT_EQ(code, ErrorCode::invalid_argument);
  const DocumentSettings wrong = {.password = "wrong"};
  std::tie(message, code) = failure([&] { Document::open(TEST_DATA "/pdf/user-and-owner-aes256.pdf", wrong); });
  EXPECT_THAT(message, HasSubstr("is encrypted, and the password does not open it"));
  for (const double dpi : {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    std::tie(message, code) = failure([&] { Document::from_bytes(bytes_of(two_pages()), "upload", {.dpi = dpi}); });
    EXPECT_THAT(message, HasSubstr("`dpi` "));
    EXPECT_EQ(code, ErrorCode::invalid_argument);
  }
}

}  // namespace
}  // namespace lectern
