// The real lectern-pdf tries from within what its confinement is to keep out, as root and as anybody.
#include "pdf_helper/confinement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/temp_folder.h"
#include "input/pdf_helper.h"
#include "pdf_helper/protocol.h"

namespace lectern {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::slurp;
namespace fs = std::filesystem;

class Confinement : public ::testing::Test {
 protected:
  // A copy that anybody may run, beside a file that anybody may change.
  Confinement() : helper(folder / "helper"), file(folder.write("victim.pdf", "%PDF-1.7 all of it")) {
    fs::copy_file(find_pdf_helper(), helper);
    fs::permissions(folder.path(), fs::perms::all);
    fs::permissions(helper, fs::perms::all);
    fs::permissions(file, fs::perms::all);
  }

  // What it said; `user` 0: as this process is.
  std::string attempts(uid_t user) const {
    const fs::path said = folder / "said";
    const pid_t child = ::fork();
    if (child == 0) {
      if (user != 0 && (::setgid(user) != 0 || ::setuid(user) != 0)) ::_exit(77);
      // Through a pipe: it may not write to files. Leaks cannot be looked for where tracing is kept out.
      const std::string command = "(ASAN_OPTIONS=detect_leaks=0 " + helper.string() + " --confinement " +
                                  file.string() + " 2>&1; echo exit $?) | cat >" + said.string();
      ::_exit(WEXITSTATUS(std::system(command.c_str())));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::string text = slurp(said);
    EXPECT_EQ(WEXITSTATUS(status), 0) << text;
    EXPECT_EQ(text.find("exit 0\n") == std::string::npos, text.find("possible") != std::string::npos) << text;
    return text;
  }

  void expect_kept_in(const std::string& text) const {
    for (const char* attempt : {"open for writing", "create", "create a folder", "write to its file", "truncate",
                                "truncate its file", "rename", "link", "change the mode", "delete", "connect",
                                "local socket", "signal another process", "trace", "io_uring", "fork", "exec"}) {
      EXPECT_THAT(text, ContainsRegex(std::string("\n") + attempt + ": kept out \\("));
    }
    EXPECT_THAT(text, HasSubstr("own file: readable"));
    const uint32_t had = static_cast<uint32_t>(std::stoul(text.substr(text.find(' '))));
    if ((had & pdf::few_files) != 0) {  // Landlock, of Linux 5.13
      EXPECT_THAT(text, HasSubstr("\nread /etc/passwd: kept out ("));
      EXPECT_THAT(text, HasSubstr("\nlist /: kept out ("));
      EXPECT_THAT(text, Not(HasSubstr("possible")));
    }
    EXPECT_EQ(slurp(file), "%PDF-1.7 all of it");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 3) << "nothing new beside it";
  }

  testing::TempFolder folder;
  fs::path helper, file;
};

TEST_F(Confinement, HoldsAgainstTheHelperItself) { expect_kept_in(attempts(0)); }

TEST_F(Confinement, HoldsForAnybody) {
  if (::geteuid() != 0) GTEST_SKIP() << "runs as anybody already";
  expect_kept_in(attempts(65534));
}

}  // namespace
}  // namespace lectern
