#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/temp_folder.h"
#include "layout/text/block_text.h"
#include "layout/text/formula_text.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using testing::slurp;
using testing::TempFolder;

void write(const TempFolder& folder, const std::string& name, const std::vector<Page>& pages,
           const DocumentInfo& info = testing::info_of(1)) {
  const auto writer = make_writer(Format::hocr, folder / name, info, {});
  for (const Page& page : pages) writer->page(page, nullptr);
  writer->finish();
}

// Runs `command` in the folder.
int run(const TempFolder& folder, const std::string& command) {
  return std::system(("cd '" + folder.path().string() + "' && " + command + " >out 2>&1").c_str());
}

// Pages whose names and text hold what XML and hOCR do not take as it is.
std::vector<Page> pages() {
  Page odd = testing::page_of(3, "<|ref|>text<|/ref|><|det|>[[10, 10, 500, 60]]<|/det|>\n\x01 <&\"' \xFF ]]>");
  Page cut = testing::page_of(4, "Text without a box");
  cut.finish = Finish::length;
  return {testing::page_of(1, testing::paper_page), testing::page_of(2, testing::report_page), odd, cut,
          testing::failed_page(5, "it --> is damaged")};
}

TEST(HocrWriter, WritesWhatTesseractWrites) {
  const TempFolder folder;
  write(folder, "a.hocr", {testing::page_of(1, testing::paper_page)});
  const std::string hocr = slurp(folder / "a.hocr");
  EXPECT_THAT(
      hocr, HasSubstr("<div class=\"ocr_page\" id=\"page_1\" title=\"image &quot;scan.pdf&quot;; bbox 0 0 620 877; "
                      "ppageno 0; scan_res 75 75; x_mode gundam; x_turn 0; x_vision_tokens 903; x_text_tokens 412\">"));
  EXPECT_THAT(hocr, HasSubstr("<div class=\"ocr_photo\""));
  EXPECT_THAT(hocr, HasSubstr("\">Escapements</span></span>"));
}

TEST(HocrWriter, StaysOnThePage) {
  const TempFolder folder;
  write(folder, "a.hocr", {testing::page_of(1, "a\nb\nc\nd\ne\nf\n\uFFFE\uFFFF", 1240, 1754)});
  const std::string hocr = slurp(folder / "a.hocr");
  EXPECT_THAT(hocr, HasSubstr(" 1754\">"));
  EXPECT_THAT(hocr, ::testing::Not(HasSubstr(" 1755")));
  EXPECT_THAT(hocr, HasSubstr(">\uFFFD\uFFFD</span>"));
}

// The structure that readers of hOCR rely on: who holds whom, boxes within boxes, ids that are unique.
TEST(HocrWriter, IsWellFormed) {
  if (std::system("/usr/bin/python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
  const TempFolder folder;
  write(folder, "a.hocr", pages(), testing::info_of(5, "a;\"b\" & <c>.pdf"));
  folder.write("check.py", R"(
import re, xml.etree.ElementTree as ET
root = ET.parse("a.hocr").getroot()
holder = {"ocr_carea": "ocr_page", "ocr_photo": "ocr_page", "ocr_par": "ocr_carea", "ocr_line": "ocr_par",
          "ocrx_word": "ocr_line"}
capabilities = next(m.get("content") for m in root.iter() if m.get("name") == "ocr-capabilities").split()
assert any(m.get("name") == "ocr-system" and m.get("content") for m in root.iter())
ids, counts = set(), {}
def box(node):
    properties = dict(p.split(None, 1) for p in node.get("title").split(";"))
    numbers = [int(n) for n in properties["bbox"].split()]
    assert len(numbers) == 4 and 0 <= numbers[0] <= numbers[2] and 0 <= numbers[1] <= numbers[3], numbers
    return numbers
def visit(node, inside):
    kind = node.get("class")
    if kind and kind.startswith("ocr"):
        counts[kind] = counts.get(kind, 0) + 1
        assert kind in capabilities, kind
        assert node.get("id") not in ids
        ids.add(node.get("id"))
        if kind != "ocr_page":
            assert inside is not None and inside.get("class") == holder[kind], kind
            a, b = box(node), box(inside)
            assert a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3], (a, b)
            assert kind != "ocrx_word" or node.text.strip()
        inside = node
    for child in node:
        visit(child, inside)
visit(root, None)
assert counts["ocr_page"] == 5 and counts["ocr_photo"] == 3 and counts["ocrx_word"] > 150, counts
words = " ".join(n.text for n in root.iter() if n.get("class") == "ocrx_word")
for text in ("On the Regularity of Escapements", "South & West 0.00 9 < 10", "Text without a box", "<&\"' \uFFFD ]]>"):
    assert text in words, words
notes = [n.text for n in root.iter() if n.get("class") == "lectern_note"]
assert notes == ["Page 4 is incomplete: it was cut short at the limit of tokens",
                 "Page 5 could not be read: it --> is damaged"], notes
)");
  EXPECT_EQ(run(folder, "/usr/bin/python3 check.py"), 0) << slurp(folder / "out");
}

// What hocr-check of the hocr-tools asks for, page by page, which Debian does not pack.
TEST(HocrWriter, HasNoTwoElementsOfAKindInOnePlace) {
  if (std::system("/usr/bin/python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
  const TempFolder folder;
  write(folder, "a.hocr", pages(), testing::info_of(5, "a;\"b\" & <c>.pdf"));
  folder.write("check.py", R"(
import itertools, xml.etree.ElementTree as ET
def box(node):
    for prop in node.get("title").split(";"):
        key, args = prop.split(None, 1)
        if key == "bbox":
            return [int(n) for n in args.split()]
def area(b):
    return max(0, b[2] - b[0]) * max(0, b[3] - b[1])
compared = 0
for page in ET.parse("a.hocr").getroot().iter():
    if page.get("class") != "ocr_page":
        continue
    for kind in ("ocr_line", "ocr_par", "ocr_carea"):
        boxes = [box(node) for node in page.iter() if node.get("class") == kind]
        for a, b in itertools.combinations(boxes, 2):
            both = area([max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])])
            assert both <= 0.2 * max(area(a), area(b)), (page.get("id"), kind, a, b)
            compared += 1
assert compared > 500, compared
)");
  EXPECT_EQ(run(folder, "/usr/bin/python3 check.py"), 0) << slurp(folder / "out");
}

// By the rules of OCRmyPDF's reader: the first page alone, a box of whole numbers found anywhere in a title, paragraphs
// with lines of some height, their words with what is printed behind them, normalised.
TEST(HocrWriter, IsReadByTheRulesOfOcrmypdf) {
  if (std::system("/usr/bin/python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
  const TempFolder folder;
  DocumentInfo info = testing::info_of(1, "a bbox 1 2 3 4 scan_res 9 9.pdf");
  write(folder, "a.hocr", {testing::page_of(1, testing::paper_page), testing::failed_page(2, "it is damaged")}, info);
  std::string words;
  for (const Block& block : testing::page_of(1, testing::paper_page).blocks) {
    TextTree tree = parse_text(block);
    print_formulas(tree);
    words += plain_text(tree) + "\n";
  }
  folder.write("words.txt", words);
  folder.write("check.py", R"py(
import re, unicodedata, xml.etree.ElementTree as ET
root = ET.parse("a.hocr").getroot()
space = re.match("({.*})html", root.tag).group(1)
def every(node, tag, kinds):
    return [n for n in node.iterfind(".//" + space + tag) if n.get("class") in kinds]
def box(node):
    found = re.search(r"bbox\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", node.get("title", ""))
    assert found, node.get("title")
    return [int(n) for n in found.groups()]
def printed(node):
    return (node.text or "") + "".join(printed(child) for child in node) + (node.tail or "")
page = root.find(".//" + space + "div[@class='ocr_page']")
assert box(page) == [0, 0, 620, 877], box(page)
assert re.search(r"scan_res\s+(\d+)\s+(\d+)", page.get("title")).groups() == ("75", "75")
assert re.search(r"ppageno\s+(\d+)", page.get("title")).group(1) == "0"
words, in_lines = [], 0
for paragraph in every(page, "p", ["ocr_par"]):
    for line in every(paragraph, "span", ["ocr_line", "ocr_header", "ocr_footer", "ocr_caption", "ocr_textfloat"]):
        left, top, right, bottom = box(line)
        assert bottom > top and right > left, line.get("title")
        for word in every(line, "span", ["ocrx_word"]):
            in_lines += 1
            text = unicodedata.normalize("NFKC", printed(word)).strip()
            assert text and box(word)[2] > box(word)[0], word.get("title")
            words.append(text)
assert in_lines == len(every(page, "span", ["ocrx_word"])), "words outside of paragraphs would be lost"
expected = unicodedata.normalize("NFKC", open("words.txt", encoding="utf-8").read()).split()
# Lines break within words of scripts that do not part them.
assert sorted("".join(words)) == sorted("".join(expected)), (set(words) ^ set(expected))
)py");
  EXPECT_EQ(run(folder, "/usr/bin/python3 check.py"), 0) << slurp(folder / "out");
}

}  // namespace
}  // namespace lectern
