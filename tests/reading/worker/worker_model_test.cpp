// Models in processes of the real program, and programs that die, hang and talk nonsense. The model is the mini one of
// the goldens: small, with random weights, so that it writes nonsense for as long as it may.
#ifdef LECTERN_BINARY
#include "reading/worker/worker_model.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <latch>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "core/temp_folder.h"
#include "device/device_failure.h"
#include "input/image_parts.h"
#include "lectern/documents.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/page_readers.h"
#include "reading/page_workers.h"
#include "support/mini_model.h"
#include "support/processes.h"

namespace lectern {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::mini_folder;
using testing::runs;
using testing::slurp;
namespace fs = std::filesystem;

const fs::path images = fs::path(TEST_DATA) / "goldens/images";
const std::vector<std::string> pictures = {"banner.png", "noise.png", "receipt.png"};

// Of a process that there is: the number of one that is gone would mean all.
void send_to(const Model& model, int signal) {
  if (const pid_t process = worker_of(model)->process(); process > 0) ::kill(process, signal);
}

ReadOptions few_tokens() {
  ReadOptions options;
  options.mode = Mode::tiny;
  options.max_tokens = 40;
  options.logprobs = true;
  return options;
}

const Model& here() {
  static const Model model = Model::load(mini_folder);
  return model;
}

Model there(const std::string& device = "cpu") { return here().on({.device = device, .worker = LECTERN_BINARY}); }

// Pages of different pictures, by their numbers.
PageTask task_of(size_t number) {
  PageTask task;
  task.job.ticket = number;
  task.name = "page " + std::to_string(number);
  task.job.page.number = static_cast<int>(number);
  task.job.picture = picture_of(Image::from_file(images / pictures[number % pictures.size()]));
  return task;
}

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

class WorkerModels : public ::testing::Test {
 protected:
  std::vector<WorkerReport> read(const std::vector<PageWorker>& workers, size_t pages) {
    PageWorkers all(workers, {}, [this](const WorkerEvent& event) { take(event); });
    for (size_t i = 0; i < pages; ++i) all.add(task_of(i));
    all.close();
    return all.join();
  }
  // Throws away what was read before.
  std::map<size_t, Page> pages_here(size_t count) {
    pages.clear();
    read({{"here", [] { return make_page_reader(here(), few_tokens(), 2); }}}, count);
    return std::exchange(pages, {});
  }
  void take(const WorkerEvent& event) {
    const std::lock_guard lock(mutex);
    if (event.kind == WorkerEvent::Kind::lost) {
      lost.push_back(event.device + ": " + event.failure);
      if (on_lost) on_lost();
    }
    if (event.kind == WorkerEvent::Kind::finished) pages[event.ticket] = event.page;
  }
  // A program to be started in place of the real one.
  std::string program(const std::string& script) const {
    const fs::path file = folder.write("program", "#!/bin/sh\n" + script + "\n");
    fs::permissions(file, fs::perms::owner_all);
    return file;
  }
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

  std::string end_over(std::vector<PageEvent> events) const;

  testing::TempFolder folder;
  std::mutex mutex;
  std::map<size_t, Page> pages;
  std::vector<std::string> lost;
  std::function<void()> on_lost;
};

void expect_equal(const std::map<size_t, Page>& got, const std::map<size_t, Page>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [ticket, page] : expected) {
    const Page& same = got.at(ticket);
    EXPECT_EQ(same.error, "");
    EXPECT_EQ(same.raw, page.raw);
    EXPECT_EQ(same.token_logprobs, page.token_logprobs);  // bit for bit
    EXPECT_EQ(same.token_ends, page.token_ends);
    EXPECT_EQ(same.number, page.number);
    EXPECT_EQ(same.finish, page.finish);
    EXPECT_EQ(same.warnings.size(), page.warnings.size());
  }
}

TEST_F(WorkerModels, KnowWhatIsKnownOfTheModel) {
  const Model model = there();
  EXPECT_EQ(model.device(), "cpu");
  EXPECT_EQ(model.weights(), here().weights());
  EXPECT_EQ(model.native_size(), here().native_size());
  EXPECT_EQ(label_of(model), "cpu");
  EXPECT_EQ(tokens_of_page(model), tokens_of_page(here()));
  EXPECT_GT(worker_of(model)->facts().batch, 0);
  const DocumentInfo info = describe_models({model, here().on({.without = "linear", .worker = LECTERN_BINARY})});
  EXPECT_EQ(info.device, "cpu");
  EXPECT_THAT(info.lowered, ::testing::Contains("linear"));
  EXPECT_THROW(loaded_of(model), Error);
}

TEST_F(WorkerModels, ReadBitForBitWhatIsReadHere) {
  const std::map<size_t, Page> expected = pages_here(6);
  const Model model = there();
  read({{"there", [&] { return make_page_reader(model, few_tokens(), 3); }}}, 6);
  expect_equal(pages, expected);
  // And once more, with another reader on the same model.
  pages.clear();
  read({{"there", [&] { return make_page_reader(model, few_tokens(), 1); }}}, 6);
  expect_equal(pages, expected);
}

TEST_F(WorkerModels, TellTheTextWhileItIsRead) {
  const auto told = [](const Model& model) {
    std::string text;
    int tokens = 0;
    ReadEvents events;
    events.text = [&](size_t keep, std::string_view more) { text.replace(keep, std::string::npos, more); };
    events.progress = [&](const Progress& progress) { tokens += progress.stage == Stage::decode ? 1 : 0; };
    Reader(model, few_tokens()).read(images / "banner.png", events);
    return text + " in " + std::to_string(tokens);
  };
  EXPECT_EQ(told(there()), told(here()));
}

// It is killed behind its third page, and the other reads nothing before.
TEST_F(WorkerModels, OneThatIsKilledIsTakenOutAndItsPagesAreReadByTheOthers) {
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

TEST_F(WorkerModels, OneThatCrashesInTheMiddleOfAPageIsTakenOut) {
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

TEST_F(WorkerModels, AllThatAreGoneSayWhy) {
  const Model model = there();
  send_to(model, SIGKILL);
  try {
    Reader(model, few_tokens()).read(images / "banner.png");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("banner.png: not read: cpu failed: its process was killed"));
    EXPECT_EQ(error.code(), ErrorCode::device_lost);
  }
}

// Whenever the others notice, the files are the same.
TEST_F(WorkerModels, ARunOverDocumentsIsTheSameThoughOneIsKilled) {
  std::vector<std::string> inputs;
  for (size_t i = 0; i < 12; ++i) {
    inputs.push_back((folder / (std::to_string(i) + ".png")).string());
    fs::copy_file(images / pictures[i % pictures.size()], inputs.back());
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

TEST_F(WorkerModels, APageOfItsOwnFaultFailsAlone) {
  const testing::MiniCopy broken;
  broken.fill("lm_head.weight", 0x7fc0);  // not numbers
  std::vector<std::string> errors;
  for (const std::string& worker : {std::string(), std::string(LECTERN_BINARY)}) {
    Reader reader(Model::load(broken.path(), {.worker = worker}), few_tokens());
    for (int i = 0; i < 2; ++i) {
      try {
        reader.read(images / "banner.png");
      } catch (const Error& error) {
        errors.emplace_back(error.what());
      }
    }
  }
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_THAT(errors, Each(errors[0]));
  EXPECT_THAT(errors[0], HasSubstr("not a number"));
}

TEST_F(WorkerModels, AreCancelledLikeOthers) {
  ReadOptions options = few_tokens();
  options.max_tokens = 4000;
  std::stop_source stop;
  ReadEvents events;
  events.stop = stop.get_token();
  events.progress = [&](const Progress& progress) {
    if (progress.tokens > 2) stop.request_stop();
  };
  Reader reader(there(), options);
  const Page page = reader.read(images / "banner.png", events);
  EXPECT_EQ(page.finish, Finish::stopped);
  EXPECT_LT(page.stats.tokens, 4000);
}

TEST_F(WorkerModels, RefuseWhatTheModelCannotServe) {
  const Model model = there();
  ReadOptions wrong;
  wrong.top_p = 3;
  EXPECT_THROW(Reader(model, wrong), Error);
  const auto reader = worker_of(model)->make_reader(few_tokens(), 1);
  EXPECT_THROW(worker_of(model)->make_reader(few_tokens(), 1), Error) << "one at a time";
  EXPECT_THROW(Model::load(mini_folder, {.device = "no-such-device", .worker = LECTERN_BINARY}), Error);
  EXPECT_THROW(Model::load(mini_folder, {.without = "no-such-operator", .worker = LECTERN_BINARY}), Error);
}

TEST_F(WorkerModels, ProcessesThatDieHangOrTalkNonsenseAreLost) {
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

// Why a reader is lost whose process answers with this to a page, in one step.
std::string WorkerModels::end_over(std::vector<PageEvent> events) const {
  worker::ModelFacts facts;
  facts.device = "cpu";
  worker::FrameHeader made{worker::magic, worker::FrameKind::reader_made, 0};
  worker::StepAnswer answer;
  answer.events = std::move(events);
  const fs::path answers = folder.write("answers", frame_of(worker::FrameKind::loaded, facts) +
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

TEST_F(WorkerModels, ThatTellNonsenseOfAPageAreLost) {
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

// What was given up is not taken for an answer, and its count of the past does not bind the next reader.
TEST_F(WorkerModels, AreReadWithAgainAfterPagesWereGivenUp) {
  const Model model = there();
  const auto read_one = [](PageReader& reader) {
    reader.add(task_of(0).job);
    std::vector<PageEvent> events;
    while (std::ranges::none_of(events, [](const PageEvent& event) { return event.kind == PageEvent::Kind::finished; }))
      reader.step(events);
    return events.back().page.raw;
  };
  const std::string expected = pages_here(1)[0].raw;
  {
    const auto first = make_page_reader(model, few_tokens(), 2);
    first->add(task_of(1).job);
    first->clear();
    EXPECT_EQ(read_one(*first), expected);
    first->add(task_of(2).job);
    first->clear();
  }
  EXPECT_EQ(read_one(*make_page_reader(model, few_tokens(), 2)), expected);
}

TEST_F(WorkerModels, ThatCannotBeLoadedAreLeftOut) {
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

TEST_F(WorkerModels, IgnoreSignalsThatTheirParentActsOn) {
  const Model model = there();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) send_to(model, signal);
  EXPECT_EQ(Reader(model, few_tokens()).read(images / "banner.png").finish, Finish::length);
}

TEST_F(WorkerModels, EndWithTheModel) {
  pid_t first = 0, second = 0;
  {
    const std::vector<Model> models = {there(), there()};
    first = worker_of(models[0])->process();
    second = worker_of(models[1])->process();
    EXPECT_TRUE(runs(first) && runs(second));
    begin_to_end(models);
  }
  EXPECT_FALSE(runs(first));
  EXPECT_FALSE(runs(second));
}

// The parent is another program, which is gone in the middle of a page.
TEST_F(WorkerModels, EndWithTheirParent) {
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
