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

InstallationCheck named(const std::vector<InstallationCheck>& checks, const std::string& name) {
  for (const InstallationCheck& check : checks) {
    if (check.name == name) return check;
  }
  return {"", "no check of this name: " + name, false};
}

TEST(Installation, OfTheTestsIsWhole) {
  const auto checks = check_installation(LECTERN_SHIPPED_MODEL);
  EXPECT_TRUE(named(checks, "PDF helper").fine);
  EXPECT_THAT(named(checks, "its confinement").found, HasSubstr("no writing, sockets, fork or exec (seccomp)"));
  EXPECT_TRUE(named(checks, "fonts for PDFs that bring none").fine);
  EXPECT_EQ(named(checks, "poppler-data, for Chinese, Japanese and Korean").fine,
            fs::exists("/usr/share/poppler/cMap"));
  EXPECT_TRUE(named(checks, "a font for Chinese, where a PDF brings none").fine) << "few need it";
  EXPECT_EQ(named(checks, "pictures").found, "JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF");
  EXPECT_THAT(named(checks, "free memory").found, HasSubstr("B"));
  EXPECT_TRUE(named(checks, "model that ships").fine);
}

TEST(Installation, NamesWhatIsMissing) {
  const testing::TempFolder folder;
  ::setenv("LECTERN_PDF", "/no/such/program", 1);
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  fs::create_directories(folder / ("lectern/models/a--b/" + std::string(40, '1') + ".partial"));
  const auto checks = check_installation(folder / "nothing");
  ::unsetenv("LECTERN_PDF");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_FALSE(named(checks, "PDFs").fine);
  EXPECT_THAT(named(checks, "PDFs").found, HasSubstr("'/no/such/program', which is not a program"));
  EXPECT_FALSE(named(checks, "model that ships").fine);
  EXPECT_FALSE(named(checks, "model a/b").fine);
  EXPECT_THAT(named(checks, "model a/b").found, HasSubstr("is not complete: pull it again"));
}

}  // namespace
}  // namespace lectern
