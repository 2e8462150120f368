// Processes of models that die, hang and talk nonsense: their pages are read by others, or everybody is told why not.
#ifdef LECTERN_BINARY
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <latch>
#include <optional>
#include <span>

#include "device/device_failure.h"
#include "lectern/documents.h"
#include "lectern/error.h"
#include "reading/models.h"
#include "reading/worker/worker_models.h"
#include "support/processes.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using testing::expect_equal;
using testing::few_tokens;
using ::testing::HasSubstr;
using testing::here;
using testing::mini_folder;
using testing::page_pictures;
using testing::picture_names;
using testing::runs;
using testing::send_to;
using testing::slurp;
using testing::task_of;
using testing::there;
namespace fs = std::filesystem;

// What a reader does, with something before and behind each step.
class Watched : public PageReader {
 public:
  Watched(std::unique_ptr<PageReader> reader, std::function<void()> before,
          std::function<void(const std::vector<PageEvent>&)> behind)
      : reader_(std::move(reader)), before_(std::move(before)), behind_(std::move(behind)) {}
  int room() const override { return reader_->room(); }
  void add(PageJob job) override { reader_->add(std::move(job)); }
  void cancel(size_t ticket) override { reader_->cancel(ticket); }
  void step(std::vector<PageEvent>& events) override {
    before_();
    reader_->step(events);
    behind_(events);
  }
  void clear() override { reader_->clear(); }

 private:
  std::unique_ptr<PageReader> reader_;
  std::function<void()> before_;
  std::function<void(const std::vector<PageEvent>&)> behind_;
};

template <typename Value>
std::string frame_of(worker::FrameKind kind, const Value& value) {
  const std::vector<std::byte> bytes = worker::to_bytes(value);
  const worker::FrameHeader header{worker::magic, kind, bytes.size()};
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

PageEvent event_of(PageEvent::Kind kind, size_t keep = 0, std::string more = {}) {
  PageEvent event;
  event.kind = kind;
  event.keep = keep;
  event.more = std::move(more);
  return event;
}

class LostWorkers : public testing::WorkerModelTest {
 protected:
  // Why a model cannot be loaded with this program.
  std::string failure(const std::string& script, const std::string& device = "cpu") const {
    try {
      here().on({.device = device, .worker = program(script)});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::device_lost);
      return error.what();
    }
    return "loaded";
  }

  // Why a reader is lost whose process answers with this to a page, in one step.
  std::string end_over(std::vector<PageEvent> events) const {
    worker::ModelFacts facts;
    facts.device = "cpu";
    worker::FrameHeader made{worker::magic, worker::FrameKind::reader_made, 0};
    worker::StepAnswer answer;
    answer.events = std::move(events);
    const fs::path answers =
        folder.write("answers", frame_of(worker::FrameKind::loaded, facts) +
                                    std::string(reinterpret_cast<const char*>(&made), sizeof(made)) +
                                    frame_of(worker::FrameKind::step, answer));
    const Model model = here().on({.worker = program("cat '" + answers.string() + "' >&0; exec sleep 3600")});
    const auto reader = make_page_reader(model, few_tokens(), 1);
    const pid_t process = worker_of(model)->process();
    PageJob job;
    job.picture = std::make_shared<const Picture>(4, 4);
    reader->add(job);
    std::vector<PageEvent> told;
    try {
      reader->step(told);
      return "goes on, " + std::to_string(told.size()) + " told";
    } catch (const DeviceFailure& failure) {
      EXPECT_FALSE(runs(process));
      reader->clear();  // is no failure of its own
      try {
        reader->add(job);
        ADD_FAILURE() << "was taken";
      } catch (const FailedBefore& again) {
        EXPECT_STREQ(again.what(), failure.what());
      }
      return failure.what();
    }
  }
};

// It is killed behind its third page, and the other reads nothing before.
TEST_F(LostWorkers, OneThatIsKilledIsTakenOutAndItsPagesAreReadByTheOthers) {
  const std::map<size_t, Page> expected = pages_here(9);
  const Model bad = there(), good = there();
  std::latch killed(1);
  on_lost = [&] { killed.count_down(); };
  const auto make_bad = [&, read = 0]() mutable {
    return std::make_unique<Watched>(
        make_page_reader(bad, few_tokens(), 1), [] {},
        [&](const std::vector<PageEvent>& events) {
          for (const PageEvent& event : events) read += event.kind == PageEvent::Kind::finished ? 1 : 0;
          if (read == 3) send_to(bad, SIGKILL);
        });
  };
  const auto make_good = [&] {
    return std::make_unique<Watched>(
        make_page_reader(good, few_tokens(), 2), [&] { killed.wait(); }, [](const auto&) {});
  };
  const auto reports = read({{"bad", make_bad}, {"good", make_good}}, 9);
  EXPECT_THAT(lost, ElementsAre("bad: its process was killed"));
  EXPECT_EQ(reports[0].pages, 3);
  EXPECT_EQ(reports[1].pages, 6);
  expect_equal(pages, expected);
}

TEST_F(LostWorkers, OneThatCrashesInTheMiddleOfAPageIsTakenOut) {
  const std::map<size_t, Page> expected = pages_here(4);
  const Model bad = there(), good = there();
  std::latch crashed(1);
  on_lost = [&] { crashed.count_down(); };
  const auto make_bad = [&] {
    return std::make_unique<Watched>(
        make_page_reader(bad, few_tokens(), 2), [&] { send_to(bad, SIGSEGV); }, [](const auto&) {});
  };
  const auto make_good = [&] {
    return std::make_unique<Watched>(
        make_page_reader(good, few_tokens(), 2), [&] { crashed.wait(); }, [](const auto&) {});
  };
  read({{"bad", make_bad}, {"good", make_good}}, 4);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_TRUE(lost[0].starts_with("bad: its process ")) << lost[0];
  expect_equal(pages, expected);
}

TEST_F(LostWorkers, AllThatAreGoneSayWhy) {
  const Model model = there();
  send_to(model, SIGKILL);
  try {
    Reader(model, few_tokens()).read(page_pictures / "banner.png");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("banner.png: not read: cpu failed: its process was killed"));
    EXPECT_EQ(error.code(), ErrorCode::device_lost);
  }
}

// Whenever the others notice, the files are the same.
TEST_F(LostWorkers, ARunOverDocumentsIsTheSameThoughOneIsKilled) {
  std::vector<std::string> inputs;
  for (size_t i = 0; i < 12; ++i) {
    inputs.push_back((folder / (std::to_string(i) + ".png")).string());
    fs::copy_file(page_pictures / picture_names[i % picture_names.size()], inputs.back());
  }
  const auto run = [&](const std::vector<Model>& models, const std::string& name, std::function<void()> on_page) {
    DocumentOptions options;
    for (const std::string& input : inputs) options.inputs.push_back(input);
    options.read = few_tokens();
    options.batch = 1;
    options.out = (folder / name).string();
    DocumentEvents events;
    events.page = [&](const std::string&, const Page&) {
      if (on_page) std::exchange(on_page, nullptr)();
    };
    const RunReport report = read_documents(models, options, events);
    EXPECT_EQ(report.read, 12);
    EXPECT_EQ(report.outcome(), RunOutcome::everything);
    return slurp(folder / name);
  };
  const std::string expected = run({here()}, "here.txt", {});
  const std::vector<Model> models = {there(), there(), there()};
  EXPECT_EQ(run(models, "there.txt",
                [&] {
                  send_to(models[0], SIGKILL);
                  send_to(models[2], SIGKILL);
                }),
            expected);
}

TEST_F(LostWorkers, ProcessesThatDieHangOrTalkNonsenseAreLost) {
  EXPECT_EQ(failure("kill -9 $$"), "its process was killed");
  EXPECT_EQ(failure("kill -SEGV $$"), "its process crashed (Segmentation fault)");
  EXPECT_EQ(failure("exit 3"), "its process gave up (exit code 3)");
  EXPECT_EQ(failure("exec cat /dev/zero >&0"), "its process does not talk as Lectern does");
  EXPECT_EQ(failure("exec sleep 3600", "cpu:silence=1"), "its process took too long");
  // Half of an answer: then dead, then silent; and a whole one that says nothing.
  const std::string loaded = "printf 'LDW2 \\000\\000\\000";
  EXPECT_EQ(failure(loaded + "' >&0; kill -9 $$"), "its process was killed");
  EXPECT_EQ(failure(loaded + "\\003\\000\\000\\000\\000\\000\\000\\000ab' >&0; exec sleep 3600", "cpu:silence=1"),
            "its process took too long");
  EXPECT_EQ(failure(loaded + "\\003\\000\\000\\000\\000\\000\\000\\000abc' >&0; exec sleep 3600"),
            "its process does not talk as Lectern does");
}

TEST_F(LostWorkers, ThatTellNonsenseOfAPageAreLost) {
  using Kind = PageEvent::Kind;
  const std::string nonsense = "its process does not talk as Lectern does";
  EXPECT_EQ(end_over({event_of(Kind::text, 0, "abc"), event_of(Kind::text, 2, "d"), event_of(Kind::text, 3, "")}),
            "goes on, 3 told");
  EXPECT_EQ(end_over({event_of(Kind::text, 0, "abc"), event_of(Kind::text, 4, "d")}), nonsense);
  EXPECT_EQ(end_over({event_of(Kind::failed)}), nonsense) << "without a reason";
  PageEvent finished = event_of(Kind::finished);
  EXPECT_EQ(end_over({finished, finished}), "goes on, 1 told");
  finished.page.token_ends = {1};
  EXPECT_EQ(end_over({finished}), nonsense);
}

TEST_F(LostWorkers, ThatCannotBeLoadedAreLeftOut) {
  std::vector<std::string> left_out;
  const auto leave_out = [&](const std::string& device, const std::string& why) {
    left_out.push_back(device + ": " + why);
  };
  EXPECT_THROW(load_models(mini_folder, {.device = "cpu:processes=on", .worker = program("kill -9 $$")}, leave_out),
               Error);
  EXPECT_THROW(load_models(mini_folder, {.device = "cpu:processes=on"}, leave_out), Error) << "no program";
#ifdef LECTERN_ASCEND
  // The program has no such device; it is the machine's, and not the list, that is wrong.
  EXPECT_THROW(load_models(mini_folder, {.device = "cpu,ascend:0", .worker = LECTERN_BINARY}, leave_out), Error);
#endif
  EXPECT_THAT(left_out, ElementsAre());
}

// The parent is another program, which is gone in the middle of a page.
TEST_F(LostWorkers, EndWithTheirParent) {
  worker::LoadRequest load;
  load.folder = fs::absolute(mini_folder).string();
  load.device = "cpu";
  worker::ReaderRequest reader{few_tokens(), 1};
  reader.options.max_tokens = 4000;
  worker::AddRequest add;
  add.job = task_of(0).job;
  const std::string frames = frame_of(worker::FrameKind::load, load) +
                             frame_of(worker::FrameKind::make_reader, reader) + frame_of(worker::FrameKind::add, add);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    try {
      ChildProcess worker(
          LECTERN_BINARY,
          {.arguments = {worker::command}, .file = -1, .silent = true, .holds_signals = true, .exit_note = {}});
      const pid_t process = worker.process();
      const ChildProcess::Deadline deadline{std::chrono::steady_clock::now() + std::chrono::hours(1), {}};
      worker.send(std::as_bytes(std::span(frames)), deadline);
      std::optional<worker::Frame> frame;
      do {
        frame = worker::receive_frame([&](std::span<std::byte> bytes) { worker.receive(bytes, deadline); });
      } while (frame && frame->kind != worker::FrameKind::step);
      ::_exit(::write(ends[1], &process, sizeof process) == sizeof process ? 0 : 1);
    } catch (...) {
      ::_exit(1);
    }
  }
  ::close(ends[1]);
  pid_t process = 0;
  EXPECT_EQ(::read(ends[0], &process, sizeof process), static_cast<ssize_t>(sizeof process));
  ::close(ends[0]);
  ::waitpid(parent, nullptr, 0);
  testing::wait_until_it_ended(process);
}

}  // namespace
}  // namespace lectern
#endif
