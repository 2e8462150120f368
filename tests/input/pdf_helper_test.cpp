// The real helper's confinement, and helpers that lie, die and fall silent, written in the shell.
#include "input/pdf_helper.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <utility>

#include "core/stopped.h"
#include "core/temp_folder.h"
#include "input/pdf_file.h"
#include "lectern/error.h"
#include "pdf_helper/protocol.h"
#include "support/pdf_builder.h"
#include "support/processes.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::pdf_of;
using testing::runs;
using testing::slurp;
namespace fs = std::filesystem;

PdfHelper::Deadline seconds(double count) {
  using Clock = std::chrono::steady_clock;
  return {Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count)), {}};
}

const std::string request_bytes = std::to_string(sizeof(pdf::Request));

class RealHelper : public ::testing::Test {
 protected:
  RealHelper() : file(::open(folder.write("a.pdf", pdf_of({{.content = ""}})).c_str(), O_RDONLY | O_CLOEXEC)) {
    pdf_bytes = static_cast<int64_t>(fs::file_size(folder / "a.pdf"));
  }

  static pdf::Answer ask_to_open(PdfHelper& helper) {
    const pdf::Request request;
    helper.send(std::as_bytes(std::span(&request, 1)), seconds(60));
    pdf::Answer answer;
    helper.receive(std::as_writable_bytes(std::span(&answer, 1)), seconds(60));
    return answer;
  }

  testing::TempFolder folder;
  UniqueFd file;
  int64_t pdf_bytes = 0;
};

TEST_F(RealHelper, IsConfined) {
  const UniqueFd inheritable(::open("/dev/null", O_RDONLY));  // no O_CLOEXEC
  PdfHelper helper(find_pdf_helper(), file.get());
  const pdf::Answer answer = ask_to_open(helper);
  EXPECT_EQ(answer.status, pdf::Status::done);
  EXPECT_EQ(answer.pages, 1);

  const fs::path process = "/proc/" + std::to_string(helper.process());
  const std::string limits = slurp(process / "limits");
  const auto limit = [&](const std::string& name) {
    std::smatch match;
    EXPECT_TRUE(std::regex_search(limits, match, std::regex(name + " +(\\w+)"))) << limits;
    return match[1].str();
  };
  EXPECT_EQ(limit("Max core file size"), "0");
  EXPECT_EQ(limit("Max file size"), "0");
  EXPECT_NE(limit("Max cpu time"), "unlimited");
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_EQ(limit("Max address space"), std::to_string((int64_t{2} << 30) + pdf_bytes));
#endif
  for (const auto& entry : fs::directory_iterator(process / "fd")) {
    const std::string target = fs::read_symlink(entry.path()).string();
    const int number = std::stoi(entry.path().filename());
    EXPECT_TRUE(number <= 3 || target.ends_with("a.pdf") || target.starts_with("pipe:")) << number << " is " << target;
  }
  EXPECT_THAT(slurp(process / "cmdline"), Not(HasSubstr("a.pdf")));
  // Every thread of it: the one that watches the parent too.
  int threads = 0;
  for (const auto& entry : fs::directory_iterator(process / "task")) {
    const std::string status = slurp(entry.path() / "status");
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
    EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
    ++threads;
  }
  EXPECT_GE(threads, 2);
  constexpr uint32_t everywhere = pdf::no_new_privileges | pdf::no_capabilities | pdf::few_system_calls;
  EXPECT_EQ(answer.confinement & everywhere, everywhere) << "the rest depends on the kernel";
}

TEST_F(RealHelper, IsGoneWithTheObject) {
  pid_t process = 0;
  {
    PdfHelper helper(find_pdf_helper(), file.get());
    process = helper.process();
    EXPECT_TRUE(runs(process));
  }
  EXPECT_FALSE(runs(process));
}

TEST_F(RealHelper, EndsWithItsParent) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    PdfHelper helper(find_pdf_helper(), file.get());
    const pid_t process = helper.process();
    ::_exit(::write(ends[1], &process, sizeof process) == sizeof process ? 0 : 1);
  }
  ::close(ends[1]);
  pid_t process = 0;
  EXPECT_EQ(::read(ends[0], &process, sizeof process), static_cast<ssize_t>(sizeof process));
  ::close(ends[0]);
  ::waitpid(parent, nullptr, 0);
  testing::wait_until_it_ended(process);
}

TEST_F(RealHelper, RefusesToTalkNonsense) {
  const std::string nonsense(1000, 'x');
  PdfHelper helper(find_pdf_helper(), file.get());
  helper.send(std::as_bytes(std::span(nonsense)), seconds(60));
  pdf::Answer answer;
  EXPECT_THROW(helper.receive(std::as_writable_bytes(std::span(&answer, 1)), seconds(60)), PdfHelper::Lost);

  PdfHelper impatient(find_pdf_helper(), file.get());
  pdf::Request render;
  render.task = pdf::Task::render;  // before the file is open
  impatient.send(std::as_bytes(std::span(&render, 1)), seconds(60));
  EXPECT_THROW(impatient.receive(std::as_writable_bytes(std::span(&answer, 1)), seconds(60)), PdfHelper::Lost);
}

TEST_F(RealHelper, ExplainsItselfToWhoStartsItByHand) {
  const std::string said = (folder / "said").string();
  const int status = std::system((find_pdf_helper().string() + " </dev/null 2>" + said).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_THAT(slurp(said), HasSubstr("try: lectern read FILE.pdf"));
}

class FakeHelper : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("LECTERN_PDF"); }

  // From now on, helpers are this script. `answer` sends the file of that name.
  void become(const std::string& script) const {
    const fs::path program = folder.write(
        "helper", "#!/bin/sh\ncd '" + folder.path().string() + "'\nanswer() { cat \"$1\" >&0; }\n" + script + "\n");
    fs::permissions(program, fs::perms::owner_all);
    ::setenv("LECTERN_PDF", program.c_str(), 1);
  }

  // Answers to `open` with this, waits for a request, and answers with the other and then, perhaps, with more bytes.
  void become(const pdf::Answer& opened, const pdf::Answer& rendered, const std::string& more = "") const {
    save("opened", opened);
    save("rendered", rendered, more);
    become("head -c " + request_bytes + " >/dev/null; answer opened; head -c " + request_bytes +
           " >/dev/null; answer rendered; exec cat >/dev/null");
  }

  void save(const std::string& name, const pdf::Answer& answer, const std::string& more = "") const {
    const pdf::Notes notes;
    folder.write(name, std::string(reinterpret_cast<const char*>(&answer), sizeof answer) + more +
                           std::string(reinterpret_cast<const char*>(&notes), sizeof notes));
  }

  std::unique_ptr<PdfSource> open(double page_seconds = 60) const {
    return std::make_unique<PdfSource>(InputFile(folder.write("a.pdf", "%PDF-1.7\n")),
                                       SourceOptions{.page_seconds = page_seconds});
  }
  std::string failure(double page_seconds = 60, int page = 0) const {
    try {
      open(page_seconds)->page(page);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  static pdf::Answer opened(int pages = 3) {
    pdf::Answer answer;
    answer.status = pdf::Status::done;
    answer.pages = pages;
    return answer;
  }
  static pdf::Answer rendered(int width, int height, uint64_t bytes) {
    pdf::Answer answer;
    answer.status = pdf::Status::done;
    answer.width = width;
    answer.height = height;
    answer.bytes = bytes;
    answer.dpi = 200;
    return answer;
  }

  testing::TempFolder folder;
};

TEST_F(FakeHelper, ThatIsHonestIsBelieved) {
  become(opened(), rendered(2, 1, 6), "abcdef");
  const SourcePage page = open()->page(2);
  EXPECT_EQ(std::string(page.picture.rgb.begin(), page.picture.rgb.end()), "abcdef");
}

TEST_F(FakeHelper, ThatLiesAboutSizesIsNotBelieved) {
  constexpr int most = std::numeric_limits<int>::max();
  std::vector<pdf::Answer> lies = {rendered(2, 1, 7),          rendered(2, 1, 5),
                                   rendered(0, 0, 0),          rendered(-1, -1, 3),
                                   rendered(most, most, 3),    rendered(1, most, 3ull * most),
                                   rendered(70000, 1, 210000), rendered(30000, 30000, 2'700'000'000),
                                   rendered(2, 1, ~0ull)};
  for (const double dpi : {0.0, -1.0, 1e9, std::numeric_limits<double>::quiet_NaN()}) {
    lies.push_back(rendered(2, 1, 6));
    lies.back().dpi = dpi;
  }
  for (const int turn : {-90, 45, 360}) {
    lies.push_back(rendered(2, 1, 6));
    lies.back().turn = turn;
  }
  for (const pdf::Answer& lie : lies) {
    become(opened(), lie, "abcdef");
    EXPECT_THAT(failure(), EndsWith("a.pdf: page 1: the PDF helper sends a page of an impossible size"));
  }
}

TEST_F(FakeHelper, ThatTalksOtherwiseIsNotBelieved) {
  pdf::Answer other = rendered(2, 1, 6);
  other.magic ^= 1;
  become(opened(), other, "abcdef");
  EXPECT_THAT(failure(), HasSubstr("page 1: the PDF helper does not talk as lectern-pdf does"));
  become("exec cat /dev/zero >&0");
  EXPECT_THAT(failure(), HasSubstr("a.pdf: cannot be opened: the PDF helper does not talk as lectern-pdf does"));
  for (const int pages : {0, -1, std::numeric_limits<int>::max()}) {
    become(opened(pages), {});
    EXPECT_THAT(failure(), HasSubstr("cannot be opened: the PDF helper counts"));
  }
}

TEST_F(FakeHelper, ItsMessagesAreKeptToOneShortLine) {
  pdf::Answer failed;
  failed.bytes = 9;
  become(opened(), failed, "bad\n\x1b[2J!");
  EXPECT_THAT(failure(), EndsWith("a.pdf: page 1: bad  [2J!"));
  failed.bytes = pdf::max_message + 1;
  become(opened(), failed, std::string(pdf::max_message + 1, 'x'));
  EXPECT_THAT(failure(), HasSubstr("sends a message that is too long"));
  become(failed, {}, "");
  EXPECT_THAT(failure(), HasSubstr("sends a message that is too long"));
}

TEST_F(FakeHelper, ItsNotesAreWarnings) {
  const auto noted = [](const std::string& text) {
    pdf::Notes notes;
    notes.bytes = static_cast<uint32_t>(text.size());
    return std::string(reinterpret_cast<const char*>(&notes), sizeof notes) + text;
  };
  const auto bytes_of = [](const pdf::Answer& answer) {
    return std::string(reinterpret_cast<const char*>(&answer), sizeof answer);
  };
  folder.write("opened", bytes_of(opened()) + noted("lholds 2 files\nrbad table\x1b[2J\n"));
  folder.write("rendered", bytes_of(rendered(1, 1, 3)) + "abc" + noted("rMissing language pack for 'Adobe-GB1'\n"));
  become("head -c " + request_bytes + " >/dev/null; answer opened; head -c " + request_bytes +
         " >/dev/null; answer rendered; exec cat >/dev/null");
  const auto source = open();
  ASSERT_EQ(source->warnings().size(), 2);
  EXPECT_EQ(source->warnings()[0].code, WarningCode::not_read);
  EXPECT_EQ(source->warnings()[0].message, "holds 2 files");
  EXPECT_EQ(source->warnings()[1].code, WarningCode::damaged_input);
  EXPECT_EQ(source->warnings()[1].message, "poppler reports: bad table [2J");
  const SourcePage page = source->page(0);
  ASSERT_EQ(page.warnings.size(), 1);
  EXPECT_EQ(page.warnings[0].message,
            "poppler reports: Missing language pack for 'Adobe-GB1'; is the package poppler-data installed?");
  EXPECT_TRUE(may_be_incomplete(page.warnings));

  pdf::Notes endless;
  endless.bytes = pdf::max_notes + 1;
  folder.write("opened", bytes_of(opened()) + std::string(reinterpret_cast<const char*>(&endless), sizeof endless));
  EXPECT_THAT(failure(), HasSubstr("sends notes that are too long"));
}

TEST_F(FakeHelper, ThatEndsEarly) {
  become("exit 3");
  EXPECT_THAT(failure(), HasSubstr("a.pdf: cannot be opened: the PDF helper gave up (exit code 3)"));
  EXPECT_THAT(failure(), HasSubstr("; LECTERN_PDF names " + std::string(std::getenv("LECTERN_PDF"))));
  become("exit 0");
  EXPECT_THAT(failure(), HasSubstr("a.pdf: cannot be opened: the PDF helper ended without an answer; LECTERN_PDF"));
  become("kill -SEGV $$");
  EXPECT_THAT(failure(), HasSubstr("cannot be opened: the PDF helper crashed (Segmentation fault)"));
  become(opened(), rendered(100, 100, 30000), "far too little");
  become("head -c " + request_bytes + " >/dev/null; answer opened; head -c " + request_bytes +
         " >/dev/null; answer rendered; kill -ABRT $$");
  EXPECT_THAT(failure(), HasSubstr("a.pdf: page 1: the PDF helper crashed (Aborted)"));
}

TEST_F(FakeHelper, ThatIsSilentIsNotWaitedFor) {
  become("echo $$ >process; exec sleep 600");
  EXPECT_THAT(failure(0.3), HasSubstr("a.pdf: cannot be opened: the PDF helper took too long"));
  EXPECT_FALSE(runs(std::stoi(slurp(folder / "process"))));
  become(opened(), rendered(100, 100, 30000), "far too little");
  EXPECT_THAT(failure(0.3), HasSubstr("a.pdf: page 1: the PDF helper took too long"));
}

TEST_F(FakeHelper, ThatIsLostIsReplacedForTheNextPage) {
  save("opened", opened(20));
  save("rendered", rendered(2, 1, 6), "abcdef");
  // Every other helper dies of its first page.
  become("echo >>starts; head -c " + request_bytes + " >/dev/null; answer opened; head -c " + request_bytes +
         " >/dev/null; "
         "[ $(($(wc -l <starts) % 2)) = 1 ] && exit 1; answer rendered; exit 0");
  const auto source = open();
  for (int i = 0; i < 12; ++i) {
    if (i % 2 == 0) {
      EXPECT_THROW(source->page(i), Error) << i;
    } else {
      EXPECT_EQ(source->page(i).picture.rgb[0], 'a') << i;
      EXPECT_THROW(source->page(i), Error) << "it has ended";
    }
  }
}

TEST_F(FakeHelper, ThatAlwaysFailsIsGivenUp) {
  save("opened", opened(1000));
  become("echo >>starts; head -c " + request_bytes + " >/dev/null; answer opened; head -c " + request_bytes +
         " >/dev/null; exit 1");
  const auto source = open();
  for (int i = 0; i < 1000; ++i) {
    try {
      source->page(i);
      FAIL();
    } catch (const Error& error) {
      const std::string page = "a.pdf: page " + std::to_string(i + 1) + ": ";
      EXPECT_THAT(error.what(), HasSubstr(page + (i < 5 ? "the PDF helper gave up" : "not tried")));
    }
  }
  EXPECT_EQ(slurp(folder / "starts"), "\n\n\n\n\n");
}

TEST_F(FakeHelper, WaitingEndsWhenWorkIsToStop) {
  become("echo $$ >process; exec sleep 600");
  std::stop_source stop;
  SourceOptions options;
  options.stop = stop.get_token();
  std::jthread later([&] {
    while (slurp(folder / "process").empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop.request_stop();
  });
  EXPECT_THROW(PdfSource(InputFile(folder.write("a.pdf", "%PDF-1.7\n")), options), Stopped);
  EXPECT_FALSE(runs(std::stoi(slurp(folder / "process"))));
}

TEST_F(FakeHelper, ThatIsNoProgram) {
  ::setenv("LECTERN_PDF", "/no/such/program", 1);
  EXPECT_THAT(failure(), HasSubstr("LECTERN_PDF names '/no/such/program', which is not a program"));
  ::setenv("LECTERN_PDF", folder.path().c_str(), 1);
  EXPECT_THAT(failure(), HasSubstr("is not a program"));
  become("");
  const fs::path script = folder.write("helper", "#!/no/such/interpreter\n");
  EXPECT_THAT(failure(), HasSubstr("helper: cannot be started: No such file"));
}

}  // namespace
}  // namespace lectern
