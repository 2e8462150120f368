#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/lectern_process.h"
#include "hub/fake_hub.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::expect_refusal;
using testing::FakeHub;
using ::testing::HasSubstr;
using testing::http_answer;
using testing::lectern;
using testing::Outcome;
using testing::ServedRequest;
using testing::slurp;
using testing::TempFolder;

const std::string own_cache = "unset LECTERN_MODEL HF_ENDPOINT HF_TOKEN; XDG_CACHE_HOME=\"$PWD/cache\"";

// The mini model as it would be published.
void publish_mini(FakeHub& hub) {
  hub.files.clear();
  for (const auto& entry : fs::directory_iterator(TEST_DATA "/goldens/mini")) {
    const std::string name = entry.path().filename().string();
    hub.files[name] = slurp(entry.path());
  }
}

TEST(PullCommand, PullsAModelThatReadThenFinds) {
  FakeHub hub;
  publish_mini(hub);
  const TempFolder folder;
  const Outcome pulled = lectern(folder, "pull --mirror " + hub.url(), own_cache);
  ASSERT_EQ(pulled.code, 0) << pulled.err;
  const std::string path = (folder / "cache/lectern/models/deepseek-ai--DeepSeek-OCR").string() + "/" + FakeHub::commit;
  EXPECT_EQ(pulled.out, path + "\n");
  EXPECT_THAT(pulled.err, AllOf(HasSubstr("pulling deepseek-ai/DeepSeek-OCR from " + hub.url()),
                                HasSubstr("config.json: "), HasSubstr("is complete\n")));

  const Outcome again = lectern(folder, "pull --quiet", own_cache + " HF_ENDPOINT=" + hub.url());
  EXPECT_EQ(again.out, path + "\n");
  EXPECT_EQ(again.err, "");

  const std::string read = "read --max-tokens 2 --mode tiny '" + testing::golden_images + "receipt.png'";
  const Outcome found = lectern(folder, read, own_cache);
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.err, HasSubstr("lectern: reading with deepseek-ai/DeepSeek-OCR, revision 0123456\n"));
  const Outcome named = lectern(folder, read + " --quiet --model deepseek-ai/DeepSeek-OCR@0123", own_cache);
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_EQ(named.out, found.out);
  EXPECT_EQ(named.out, lectern(folder, read).out) << "as from the folder it was published from";
}

TEST(PullCommand, DrawsItsProgressOnATerminal) {
  const FakeHub hub;
  const TempFolder folder;
  testing::TerminalProcess process(folder, "pull --mirror " + hub.url(),
                                   "unset LECTERN_MODEL; export XDG_CACHE_HOME=\"$PWD/cache\" && ");
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(process.shown(), AllOf(HasSubstr("[####"), HasSubstr(" of 300 kB"), HasSubstr("is complete")));
}

TEST(PullCommand, RefusesWhatItCannotPull) {
  FakeHub hub;
  hub.instead_of_list = [](const ServedRequest&) {
    return http_answer("401 Unauthorized", "X-Error-Code: GatedRepo\r\n", "");
  };
  const TempFolder folder;
  const auto refused = [&](const std::string& arguments, const std::string& reason) {
    expect_refusal(lectern(folder, "pull --quiet " + arguments, own_cache), 2, reason);
  };
  refused("--mirror " + hub.url(), "deepseek-ai/DeepSeek-OCR: is gated: accept its terms");
  refused("primer", "primer: is no name of a model; expected OWNER/NAME");
  refused("../x", "is no name of a model");
  refused("--revision ../x", "--revision: '../x' is no name of a branch, tag or commit");
  refused("--mirror file:///tmp", "file:///tmp: is no address of the web");
  expect_refusal(lectern(folder, "pull --quiet", "unset XDG_CACHE_HOME HOME;"), 2, "HOME: is not set");
  expect_refusal(lectern(folder, "read x.png --model deepseek-ai/DeepSeek-OCR", own_cache), 2,
                 "no model of that name was pulled; run: lectern pull deepseek-ai/DeepSeek-OCR");
}

}  // namespace
}  // namespace lectern
