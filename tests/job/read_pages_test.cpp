// Whole documents through the public Reader, which writes nonsense with the small model of the tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "lectern/document.h"
#include "lectern/error.h"
#include "support/mini_model.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

std::string pdf_of_pages(size_t pages) {
  return testing::pdf_of(std::vector<testing::PdfPage>(pages, {.content = testing::filled("1 0 0", 0, 0, 50, 50)}));
}

Document document_of(const std::string& pdf) {
  return Document::from_bytes(std::as_bytes(std::span(pdf)), "upload", {.dpi = 72});
}

ReadOptions few_tokens(int64_t count) {
  ReadOptions options;
  options.mode = Mode::tiny;
  options.max_tokens = count;
  return options;
}

TEST(ReadPages, HandsOnEveryPageInOrder) {
  Document document = document_of(pdf_of_pages(7));
  Reader reader(Model::load(testing::mini_folder), few_tokens(3000), 3);
  EXPECT_EQ(reader.batch(), 3);
  std::vector<int> numbers;
  read_pages(
      reader, document,
      [&](const Page& page, const Image* image) {
        numbers.push_back(page.number);
        EXPECT_EQ(page.error, "");
        EXPECT_EQ(page.finish, Finish::length);
        EXPECT_EQ(page.dpi, 72);
        ASSERT_NE(image, nullptr);
        EXPECT_EQ(page.width, image->width());
      },
      few_tokens(12));
  EXPECT_EQ(numbers, (std::vector<int>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_GT(reader.max_together(), 1);
}

TEST(ReadPages, EndsWithWhatTheCallerThrows) {
  Document document = document_of(pdf_of_pages(5));
  Reader reader(Model::load(testing::mini_folder), few_tokens(12), 2);
  int calls = 0;
  const auto second = [&](const Page&, const Image*) {
    if (++calls == 2) throw std::runtime_error("enough");
  };
  EXPECT_THROW(read_pages(reader, document, second), std::runtime_error);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(reader.read(document.image(0)).finish, Finish::length) << "it is ready for more";
}

TEST(ReadPages, RefusesOptionsThatTheModelCannotServe) {
  Document document = document_of(pdf_of_pages(1));
  Reader reader(Model::load(testing::mini_folder), few_tokens(12), 2);
  ReadOptions wrong;
  wrong.prompt = "<image> and <image>";
  EXPECT_THROW(read_pages(
                   reader, document, [](const Page&, const Image*) {}, wrong),
               Error);
}

}  // namespace
}  // namespace lectern
