#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "core/temp_folder.h"
#include "output/json/page_json.h"
#include "support/pages.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::slurp;
using testing::TempFolder;

void write(const std::filesystem::path& path, const std::vector<Page>& pages) {
  const auto writer = make_writer(Format::json, path, testing::info_of(static_cast<int>(pages.size())), {});
  for (const Page& page : pages) writer->page(page, nullptr);
  writer->finish();
}

TEST(JsonWriter, WritesWhatIsKnown) {
  const TempFolder folder;
  const Page page = testing::page_of(1, testing::paper_page);
  write(folder / "a.json", {page, testing::failed_page(2, "damaged")});
  const json document = json::parse(slurp(folder / "a.json"));
  EXPECT_EQ(document["schema"], "lectern-document/1");
  EXPECT_EQ(document["source"], "scan.pdf");
  EXPECT_EQ(document["weights"], "q8");
  EXPECT_EQ(document["lowered"], json::array({"conv2d"}));
  ASSERT_EQ(document["pages"].size(), 2u);
  EXPECT_EQ(document["pages"][0], page_to_json(page));
  EXPECT_EQ(document["pages"][0]["blocks"][1]["raw_boxes"][0], json::array({120, 80, 880, 130}));
  EXPECT_EQ(document["pages"][1]["error"], "damaged");
  write(folder / "none.json", {});
  EXPECT_EQ(json::parse(slurp(folder / "none.json"))["pages"], json::array());
}

TEST(JsonWriter, KeepsToItsSchema) {
  if (std::system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
    GTEST_SKIP() << "python3-jsonschema is not installed";
  }
  const TempFolder folder;
  Page odd = testing::page_of(3, "<|ref|>text<|/ref|><|det|>[[-7, 0, 2000");
  odd.raw += "\xFF\n";
  odd.guard = {1, false, Retry::continued};
  odd.finish = Finish::loop;
  odd.turn = 270;
  odd.warnings.push_back({WarningCode::uncovered_ink, "more", Box{1, 2, 3, 4}});
  write(folder / "a.json", {testing::page_of(1, testing::paper_page), testing::page_of(2, testing::report_page), odd,
                            testing::failed_page(4, "damaged")});
  folder.write("check.py", R"(
import json, sys, jsonschema
schema, document = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:])
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
errors = [f"{list(e.path)}: {e.message}" for e in validator.iter_errors(document)]
# The schema is not one that takes anything.
for page in document["pages"]:
    page["turn"] = 45
    page["tokens"]["vision"] = -1
    page["blocks"].append({"label": "text"})
assert len(list(validator.iter_errors(document))) == 4 * 5, [e.message for e in validator.iter_errors(document)]
# Every member is documented.
defs = schema["definitions"]
def undocumented(value, properties):
    return [key for key in value if key not in properties]
errors += undocumented(document, schema["properties"])
for page in document["pages"]:
    errors += undocumented(page, defs["page"]["properties"])
    for group in ("tokens", "seconds", "guard"):
        errors += undocumented(page[group], defs["page"]["properties"][group]["properties"])
print("\n".join(errors))
sys.exit(len(errors) > 0)
)");
  const std::string command = "/usr/bin/python3 '" + (folder / "check.py").string() +
                              "' '" LECTERN_DOCS "/schema/document.schema.json' '" + (folder / "a.json").string() +
                              "' >'" + (folder / "out").string() + "' 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << slurp(folder / "out");
}

}  // namespace
}  // namespace lectern
