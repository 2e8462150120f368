#include "server/page_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "core/temp_folder.h"

namespace lectern::server {
namespace {

using ::testing::HasSubstr;

std::map<std::string, std::string> headers_of(const HttpResponse& response) {
  return {response.headers.begin(), response.headers.end()};
}

const PageFile& file_at(std::string_view path) {
  const PageFile* const file = find_page_file(path);
  if (file == nullptr) throw std::runtime_error("no such file");
  return *file;
}

TEST(PageFiles, AreThoseOfTheFolderByteForByte) {
  const std::filesystem::path folder = LECTERN_PAGE;
  std::set<std::string> in_folder, compiled;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) in_folder.insert(entry.path().lexically_relative(folder).string());
  }
  for (const PageFile& file : page_files()) {
    compiled.insert(std::string(file.name));
    EXPECT_EQ(file.bytes, testing::slurp(folder / file.name)) << file.name;
  }
  EXPECT_EQ(compiled, in_folder);
}

TEST(PageFiles, AreFoundByTheirPathsAlone) {
  EXPECT_EQ(file_at("/").name, "index.html");
  EXPECT_EQ(file_at("/page/main.js").name, "main.js");
  EXPECT_EQ(file_at("/page/third_party/katex/fonts/KaTeX_Main-Regular.woff2").bytes.substr(0, 4), "wOF2");
  for (const char* path : {"", "//", "/page", "/page/", "/page/nothing.js", "/page/../page/main.js", "/page//main.js",
                           "/page/third_party", "/main.js", "/page/Main.js", "/index.html"}) {
    EXPECT_EQ(find_page_file(path), nullptr) << path;
  }
  EXPECT_FALSE(is_page_path("/pages"));
  EXPECT_FALSE(is_page_path("/v1/models"));
}

TEST(PageFiles, AreSentWithTheirTypes) {
  const auto type_at = [](std::string_view path) { return page_file_response(file_at(path), "").type; };
  EXPECT_EQ(type_at("/"), "text/html; charset=utf-8");
  EXPECT_EQ(type_at("/page/style.css"), "text/css; charset=utf-8");
  EXPECT_EQ(type_at("/page/main.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(type_at("/page/icon.svg"), "image/svg+xml");
  EXPECT_EQ(type_at("/page/third_party/katex/fonts/KaTeX_Main-Regular.woff2"), "font/woff2");
  EXPECT_EQ(type_at("/page/third_party/katex/LICENSE"), "text/plain; charset=utf-8");
}

TEST(PageFiles, KeepThePageToItself) {
  const auto headers = headers_of(page_file_response(file_at("/"), ""));
  const std::string policy = headers.at("Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, ::testing::Not(HasSubstr("unsafe")));
  EXPECT_EQ(headers.at("Referrer-Policy"), "no-referrer");
  // Nothing in the HTML that the policy would have to allow.
  const std::string_view html = file_at("/").bytes;
  EXPECT_EQ(html.find("<style"), std::string_view::npos);
  EXPECT_EQ(html.find(" style="), std::string_view::npos);
  EXPECT_EQ(html.find(" onclick="), std::string_view::npos);
  EXPECT_EQ(html.find("//"), std::string_view::npos) << "another host";
}

TEST(PageFiles, AreNotSentAgainToWhoHasThem) {
  const PageFile& file = file_at("/page/main.js");
  const HttpResponse first = page_file_response(file, "");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, file.bytes);
  const std::string tag = headers_of(first).at("ETag");
  EXPECT_EQ(tag.size(), 34u);
  EXPECT_NE(tag, headers_of(page_file_response(file_at("/"), "")).at("ETag"));
  for (const std::string& known :
       {tag, "W/" + tag, "\"other\", " + tag, "\"other\" ,W/" + tag + ",", std::string("*")}) {
    const HttpResponse again = page_file_response(file, known);
    EXPECT_EQ(again.status, 304) << known;
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(headers_of(again).at("ETag"), tag);
    EXPECT_EQ(headers_of(again).at("Cache-Control"), "no-cache");
  }
  for (const std::string& other : {std::string("\"other\""), tag.substr(0, 20), std::string(",,"), std::string("W/")}) {
    EXPECT_EQ(page_file_response(file, other).status, 200) << other;
  }
}

}  // namespace
}  // namespace lectern::server
