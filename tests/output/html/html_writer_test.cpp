#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/temp_folder.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;

std::string written(const TempFolder& folder, const std::vector<Page>& pages, const Picture* picture,
                    const DocumentInfo& info = testing::info_of(1)) {
  const auto writer = make_writer(Format::html, folder / "a.html", info, {});
  for (const Page& page : pages) writer->page(page, picture);
  writer->finish();
  return slurp(folder / "a.html");
}

TEST(HtmlWriter, ShowsThePictureBesideTheText) {
  const TempFolder folder;
  const Picture picture = testing::picture_of(620, 877);
  const std::string html = written(folder, {testing::page_of(1, testing::report_page)}, &picture);
  EXPECT_THAT(html, HasSubstr("<img alt=\"\" loading=\"lazy\" src=\"data:image/jpeg;base64,/9j/"));
  EXPECT_THAT(html, HasSubstr("<div class=\"picture\" style=\"--w:620;--h:877\">"));
  // The title: [[100, 50, 700, 90]] of 999.
  EXPECT_THAT(
      html, HasSubstr("<div class=\"box\" data-b=\"1-0\" style=\"left:10.01%;top:5.00%;width:60.06%;height:4.00%\">"));
  EXPECT_THAT(
      html,
      HasSubstr("data-b=\"1-0\"><div class=\"label\" dir=\"ltr\" lang=\"en\">title</div><h3>Annual Report</h3></div>"));
  EXPECT_THAT(html, HasSubstr("<td rowspan=\"2\">Region</td>"));
  EXPECT_THAT(html, HasSubstr("model ocr \u00B7 weights q8 \u00B7 device cpu \u00B7 prompt markdown"));
  EXPECT_THAT(html, HasSubstr("Page 1 \u00B7 mode gundam \u00B7 903 vision tokens \u00B7 412 text tokens"));
  // Nothing is fetched from elsewhere.
  EXPECT_THAT(html, Not(HasSubstr("://")));
}

TEST(HtmlWriter, CannotBeMadeToRunAScript) {
  const TempFolder folder;
  const std::string evil = "</div></main><script>alert(1)</script><img src=x onerror=alert(1)>\"'";
  Page page = testing::page_of(1, "<|ref|>" + evil + "<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n" + evil +
                                      "\n<table><tr><td onclick=alert(1)>" + evil + "</td></tr></table>");
  DocumentInfo info = testing::info_of(1, evil);
  info.prompt = info.model = evil;
  const std::string html = written(folder, {page, testing::failed_page(2, evil)}, nullptr, info);
  EXPECT_EQ(html.find("<script>"), html.rfind("<script>")) << "only the file's own";
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("onclick=")));
  EXPECT_THAT(html, HasSubstr("script-src 'sha256-"));
  // The browser lets the script with this digest run, and no other.
  if (std::system("/usr/bin/python3 -c 'import hashlib' 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
  folder.write("check.py", R"(
import base64, hashlib, html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
digest = re.search(r"script-src '(sha256-[^']+)'", text)[1]
script = re.search(r"<script>(.*?)</script>", text, re.S)[1]
assert digest == "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
class Tags(html.parser.HTMLParser):
    open_tags, seen = [], set()
    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attributes), attributes
        if tag not in ("meta", "img", "br"):
            self.open_tags.append(tag)
    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag, tag
tags = Tags()
tags.feed(text)
assert tags.open_tags == [], tags.open_tags
assert tags.seen <= set("html head meta title style body header h1 h2 p main section div table tr td script br".split()), tags.seen
)");
  const std::string command = "/usr/bin/python3 '" + (folder / "check.py").string() + "' '" +
                              (folder / "a.html").string() + "' >'" + (folder / "out").string() + "' 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << slurp(folder / "out");
}

TEST(HtmlWriter, MarksPages) {
  const TempFolder folder;
  Page cut = testing::page_of(2, "Text");
  cut.finish = Finish::context;
  const std::string html = written(folder, {testing::failed_page(1, "damaged"), cut}, nullptr);
  EXPECT_THAT(html, HasSubstr("<p class=\"note\">Page 1 could not be read: damaged</p>"));
  EXPECT_THAT(
      html,
      HasSubstr("<p class=\"note\">Page 2 is incomplete: it was cut short where the model&#39;s context ended</p>"));
}

}  // namespace
}  // namespace lectern
