#include "diagnose/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/temp_folder.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path primer = LECTERN_SHIPPED_MODEL;

InstallationCheck named(const std::vector<InstallationCheck>& checks, const std::string& name) {
  for (const InstallationCheck& check : checks) {
    if (check.name == name) return check;
  }
  return {"", "no check of this name: " + name, false};
}

TEST(Installation, OfTheTestsIsWhole) {
  const std::vector<ShippedModel> shipped = {{"primer", primer},
                                             {"primer-large", primer.parent_path() / "primer-large"}};
  const auto checks = check_installation(shipped);
  EXPECT_TRUE(named(checks, "PDF helper").fine);
  EXPECT_THAT(named(checks, "its confinement").found, HasSubstr("no writing, sockets, fork or exec (seccomp)"));
  EXPECT_TRUE(named(checks, "fonts for PDFs that bring none").fine);
  EXPECT_EQ(named(checks, "poppler-data, for Chinese, Japanese and Korean").fine,
            fs::exists("/usr/share/poppler/cMap"));
  EXPECT_TRUE(named(checks, "a font for Chinese, where a PDF brings none").fine) << "few need it";
  EXPECT_EQ(named(checks, "pictures").found, "JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF");
  EXPECT_THAT(named(checks, "free memory").found, HasSubstr("B"));
  EXPECT_EQ(named(checks, "model that ships").found, primer.string());
  EXPECT_TRUE(named(checks, "model that ships").fine);
  EXPECT_EQ(named(checks, "primer-large, which ships, too").found, primer.string() + "-large");
  EXPECT_TRUE(named(checks, "primer-large, which ships, too").fine);
}

TEST(Installation, NamesWhatIsMissing) {
  const testing::TempFolder folder;
  ::setenv("LECTERN_PDF", "/no/such/program", 1);
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  fs::create_directories(folder / ("lectern/models/a--b/" + std::string(40, '1') + ".partial"));
  const std::vector<ShippedModel> shipped = {{"primer", folder / "nothing"}, {"primer-large", {}}};
  const auto checks = check_installation(shipped);
  ::unsetenv("LECTERN_PDF");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_FALSE(named(checks, "PDFs").fine);
  EXPECT_THAT(named(checks, "PDFs").found, HasSubstr("'/no/such/program', which is not a program"));
  EXPECT_FALSE(named(checks, "model that ships").fine);
  EXPECT_FALSE(named(checks, "primer-large, which ships, too").fine);
  EXPECT_EQ(named(checks, "primer-large, which ships, too").found,
            "is not where it was installed; it is models/primer-large of the source");
  EXPECT_FALSE(named(checks, "model a/b").fine);
  EXPECT_THAT(named(checks, "model a/b").found, HasSubstr("is not complete: pull it again"));
}

}  // namespace
}  // namespace lectern
