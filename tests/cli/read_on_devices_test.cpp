// `lectern read` on cards, over several ranks, and with processes of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "cli/read_command.h"
#include "core/system/processors.h"
#include "support/sanitized.h"

namespace lectern {
namespace {

using testing::banner;
using testing::expect_refusal;
#ifdef LECTERN_ASCEND
using testing::fake_card;
#endif
using testing::golden_images;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using testing::quick;
using testing::receipt;
using testing::slurp;
using testing::TempFolder;
using testing::TerminalProcess;
namespace fs = std::filesystem;

class ReadOnDevices : public testing::ReadCommand {};

// Those that work in a folder.
std::vector<std::string> processes_in(const TempFolder& folder) {
  std::vector<std::string> processes;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (fs::read_symlink(entry.path() / "cwd", gone) == fs::canonical(folder.path()))
      processes.push_back(entry.path().filename());
  }
  return processes;
}

TEST_F(ReadOnDevices, ReadsAsSeveralRanksWhatOneReads) {
  const Outcome outcome = read(quick + banner + " --tensor-parallel 3");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, text_of(banner));
  expect_refusal(read(banner + " --tensor-parallel 0"), 2, "--tensor-parallel: Value 0 not in range 1 to 64");
  expect_refusal(read(banner + " --tensor-parallel 2 --device ascend:0-2"), 2,
                 "names 3 devices, which --tensor-parallel 2 cannot make groups of");
  expect_refusal(read(banner + " --tensor-parallel 2 --device cpu,ascend:0"), 2, "devices of one kind");
}

#ifdef LECTERN_ASCEND
TEST_F(ReadOnDevices, ReadsItsSamplesOnAnAscendCard) {
  const std::vector<std::string> all = {"hello.png", "note.jpg", "sign.png", "ticket.png"};
  for (const std::string& sample : testing::sanitized ? std::vector(1, all.front()) : all) {
    const std::string page = std::string("'" LECTERN_SAMPLES "/") + sample + "' --model '" LECTERN_SHIPPED_MODEL "'";
    const Outcome expected = read(page);
    ASSERT_EQ(expected.code, 0) << expected.err;
    for (const std::string version : {"8.1.RC1", "8.3.RC1", "8.5.0"}) {
      for (const char* const type : {"f16", "bf16"}) {
        const std::string card = "FAKE_CANN_VERSION=" + version + " LECTERN_ASCEND_TYPE=" + type;
        const Outcome outcome = read(page + " --device ascend:0", fake_card + card);
        EXPECT_EQ(outcome.code, 0) << outcome.err;
        EXPECT_EQ(outcome.out, expected.out) << sample << " " << card;
      }
    }
  }
}

// Of five cards one fails in the middle of a page, one has no memory for a page and one none for the model; the others
// wait for them, lest they read all pages before.
TEST_F(ReadOnDevices, ReadsEveryPageThoughCardsFail) {
  for (int i = 0; i < 16; ++i)
    std::filesystem::copy_file(LECTERN_SAMPLES "/hello.png", folder / (std::to_string(i) + ".png"));
  const Outcome outcome =
      read("*.png --model '" LECTERN_SHIPPED_MODEL
           "' --batch 1 --device ascend:0-4:processes=off --format txt -o pages.txt --report report.json",
           fake_card +
               "FAKE_CANN_DEVICES=5 FAKE_CANN_FAIL=execute:2500@1 FAKE_CANN_HOLD=0,2:2500:3 "
               "FAKE_CANN_MEMORY_OF=3:28000000,4:16000000");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"lectern: ascend:1: failed and is taken out: ascend:1: work on the card failed: 507015",
                           "lectern: ascend:4: failed and is left out: ascend:4: the model does not fit"})
    EXPECT_THAT(outcome.err, HasSubstr(part));
  const auto report = nlohmann::json::parse(slurp(folder / "report.json"));
  EXPECT_EQ(report.at("read"), 16);
  EXPECT_EQ(report.at("failed"), 0);
  std::vector<std::string> lost;
  int64_t pages = 0;
  for (const auto& device : report.at("devices")) {
    if (device.contains("failure")) lost.push_back(device.at("device"));
    pages += device.at("pages").get<int64_t>();
    EXPECT_TRUE(device.at("pages") == 0 || !device.contains("failure")) << device;
    EXPECT_TRUE(device.at("pages") == 0 || device.at("device") != "ascend:3") << device;
  }
  std::erase(lost, "ascend:3");  // taken out if it came to three pages before the others had read them
  EXPECT_THAT(lost, ::testing::UnorderedElementsAre("ascend:1", "ascend:4"));
  EXPECT_EQ(pages, 16);
}

// A process a card. One has no memory for the model, one none for a page; whenever that is, the text is that of one
// card.
TEST_F(ReadOnDevices, ReadsOnSeveralCardsWithAProcessEach) {
  for (int i = 0; i < 6; ++i)
    std::filesystem::copy_file(LECTERN_SAMPLES "/hello.png", folder / (std::to_string(i) + ".png"));
  const std::string pages = "?.png --model '" LECTERN_SHIPPED_MODEL "' --batch 1 --format txt ";
  ASSERT_EQ(read(pages + "--device ascend:0 -o one.txt", fake_card).code, 0);
  const Outcome outcome = read(pages + "--device ascend:0-3 -o four.txt --report report.json",
                               fake_card + "FAKE_CANN_DEVICES=4 FAKE_CANN_MEMORY_OF=2:28000000,3:16000000");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(slurp(folder / "four.txt"), slurp(folder / "one.txt"));
  for (const char* part : {"lectern: ascend:2: failed and is taken out: ascend:2: no memory for",
                           "lectern: ascend:3: failed and is left out: ascend:3: the model does not fit"})
    EXPECT_THAT(outcome.err, HasSubstr(part));
  const auto report = nlohmann::json::parse(slurp(folder / "report.json"));
  EXPECT_EQ(report.at("read"), 6);
  EXPECT_EQ(report.at("device"), "ascend:0,ascend:1,ascend:2");
  EXPECT_EQ(report.at("devices").size(), 4u);
  EXPECT_THAT(processes_in(folder), IsEmpty());
}

// A process is killed in the middle of a page: its card is taken out, and its pages are read by the others.
TEST_F(ReadOnDevices, ReadsEveryPageThoughTheProcessOfACardIsKilled) {
  for (int i = 0; i < 9; ++i)
    std::filesystem::copy_file(LECTERN_SAMPLES "/hello.png", folder / (std::to_string(i) + ".png"));
  const std::string pages = "?.png --model '" LECTERN_SHIPPED_MODEL "' --batch 1 --format txt -o - ";
  const Outcome expected = read(pages);
  ASSERT_EQ(expected.code, 0) << expected.err;
  const Outcome outcome =
      read(pages + "--device ascend:0-2 --report report.json", fake_card + "FAKE_CANN_DEVICES=3 FAKE_CANN_KILL=1:2500");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, expected.out);
  EXPECT_THAT(outcome.err, HasSubstr("lectern: ascend:1: failed and is taken out: its process was killed"));
  const auto report = nlohmann::json::parse(slurp(folder / "report.json"));
  EXPECT_EQ(report.at("read"), 9);
  EXPECT_EQ(report.at("failed"), 0);
  EXPECT_THAT(processes_in(folder), IsEmpty());
}

// Two models, each over two cards and in a process of its own.
TEST_F(ReadOnDevices, ReadsOnCardsThatHoldAModelTogether) {
  for (int i = 0; i < 2; ++i)
    std::filesystem::copy_file(LECTERN_SAMPLES "/hello.png", folder / (std::to_string(i) + ".png"));
  const std::string pages = "?.png --model '" LECTERN_SHIPPED_MODEL "' --batch 1 --format txt -o - ";
  const Outcome expected = read(pages);
  ASSERT_EQ(expected.code, 0) << expected.err;
  const Outcome outcome =
      read(pages + "--device ascend:0-3 --tensor-parallel 2 --report report.json", fake_card + "FAKE_CANN_DEVICES=4");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, expected.out);
  EXPECT_EQ(nlohmann::json::parse(slurp(folder / "report.json")).at("device"), "ascend:0+ascend:1,ascend:2+ascend:3");
  EXPECT_THAT(processes_in(folder), IsEmpty());
}

// The shipped model with further layers of zeros, which say nothing and take up memory.
class DeepModel {
 public:
  DeepModel() {
    constexpr int layers = 64;
    for (const auto& entry : fs::directory_iterator(LECTERN_SHIPPED_MODEL)) {
      const std::string name = entry.path().filename();
      if (name != weights && name != "config.json") fs::copy_file(entry.path(), folder_ / name);
    }
    auto config = nlohmann::json::parse(slurp(LECTERN_SHIPPED_MODEL "/config.json"));
    nlohmann::json& decoder = config["language_config"];
    const int shipped = decoder["num_hidden_layers"];
    decoder["num_hidden_layers"] = layers;
    decoder["max_position_embeddings"] = 512;
    folder_.write("config.json", config.dump());
    const Safetensors file = Safetensors::open(fs::path(LECTERN_SHIPPED_MODEL) / weights);
    std::vector<std::pair<std::string, TensorView>> tensors(file.tensors().begin(), file.tensors().end());
    const std::vector<std::byte> zeros(size_t{1} << 20);
    const std::string last = "model.layers." + std::to_string(shipped - 1) + ".";
    for (const auto& [name, view] : file.tensors()) {
      if (!name.starts_with(last)) continue;
      EXPECT_LE(view.bytes(), zeros.size());
      for (int i = shipped; i < layers; ++i) {
        tensors.emplace_back("model.layers." + std::to_string(i) + "." + name.substr(last.size()),
                             TensorView{zeros.data(), view.type, view.shape});
      }
    }
    write_safetensors(folder_ / weights, tensors);
  }

  std::string option() const { return " --model '" + folder_.path().string() + "' "; }

 private:
  inline static const std::string weights = "model-00001-of-000001.safetensors";
  TempFolder folder_;
};

// Cards whose memory holds half of the model, but not all of it.
TEST_F(ReadOnDevices, ReadsOnCardsThatAreTooSmallForTheModelAlone) {
  const DeepModel model;
  const std::string page = "'" LECTERN_SAMPLES "/hello.png' --batch 1" + model.option();
  const std::string small = fake_card + "FAKE_CANN_DEVICES=2 FAKE_CANN_MEMORY=104000000 ";
  const Outcome large = read(page + "--device ascend:0", fake_card);
  ASSERT_EQ(large.code, 0) << large.err;
  EXPECT_THAT(large.out, HasSubstr("this is"));
  const Outcome together = read(page + "--device ascend:0-1 --tensor-parallel 2", small);
  EXPECT_EQ(together.code, 0) << together.err;
  EXPECT_EQ(together.out, large.out);
  for (const char* alone : {"--device ascend:0", "--device ascend:0-1:processes=off"}) {
    const Outcome outcome = read(page + alone, small);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err,
                ::testing::ContainsRegex(
                    "ascend:0: the model does not fit: its weights take about [0-9]+ MiB in bf16, and [0-9]+ "
                    "MiB of memory were free; end other programs there, or share the model between several "
                    "devices with --tensor-parallel"));
  }
  expect_refusal(read(page + "--device ascend:0-1 --tensor-parallel 2", small + "FAKE_CANN_MEMORY_OF=1:40000000"), 2,
                 "ascend:1: the model does not fit: its weights take about ");
}

TEST_F(ReadOnDevices, NamesTheTypeThatOverflows) {
  const testing::MiniCopy broken;
  broken.fill("lm_head.weight", 0x7fc0);  // not numbers
  const std::string page = quick + banner + " --model '" + broken.path().string() + "' --device ascend:0:type=";
  const Outcome f16 = read(page + "f16", fake_card);
  EXPECT_NE(f16.code, 0);
  EXPECT_THAT(f16.err,
              HasSubstr("not a number; the values between operators are f16, which some pages overflow: choose "
                        "another type, as in ascend:0:type=bf16, or --weights f32"));
  EXPECT_THAT(read(page + "bf16", fake_card).err, HasSubstr("not a number; its weights are damaged"));
}

// A sum beyond 65504, which bf16 holds, is noticed, alone and where cards hold a model together.
TEST_F(ReadOnDevices, ReadsNothingWrongWhereF16Overflows) {
  const testing::MiniCopy large;
  large.fill("model.layers.0.mlp.down_proj.weight", 0x476a);  // 59904
  const std::string page = quick + banner + " --model '" + large.path().string() + "' ";
  const std::string cards = fake_card + "FAKE_CANN_DEVICES=2 ";
  for (const char* devices : {"--device ascend:0:type=", "--tensor-parallel 2 --device ascend:0-1:type="}) {
    const Outcome f16 = read(page + devices + "f16", cards);
    EXPECT_NE(f16.code, 0);
    EXPECT_THAT(f16.out, ::testing::StartsWith("[Page 1 could not be read"));
    EXPECT_THAT(f16.err, HasSubstr("not a number; the values between operators are f16, which some pages overflow"));
    const Outcome bf16 = read(page + devices + "bf16", cards);
    EXPECT_EQ(bf16.code, 0) << bf16.err;
  }
}

TEST_F(ReadOnDevices, SaysWhyAnAscendCardCannotBeUsed) {
  const std::string card = banner + " --mode tiny --device ";
  expect_refusal(read(card + "ascend:3", fake_card), 2, "ascend:3: there is no such card; choose 0 to 0");
  expect_refusal(read(card + "ascend", fake_card), 2, "there is no device 'ascend'");
  expect_refusal(read(card + "ascend:0 --weights q8", fake_card), 2, "use --weights bf16");
  expect_refusal(read(card + "ascend:0", fake_card + "FAKE_CANN_VERSION=8.0.RC3"), 2,
                 "CANN 8.0.RC3 is installed; Lectern needs 8.1.RC1 or later");
  expect_refusal(read(card + "ascend:0", fake_card + "FAKE_CANN_MEMORY=12000000"), 2,
                 "ascend:0: the model does not fit: its weights take about 6 MiB in bf16");
  const Outcome without = read(card + "ascend:0", "ASCEND_HOME_PATH=/nowhere");
  expect_refusal(without, 2, "libascendcl.so");
  EXPECT_THAT(without.err, HasSubstr("set_env.sh"));
}
#endif

// Two sockets, as far as the system says; the journal, the report and the text tell of one device.
TEST_F(ReadOnDevices, ReadsWithAProcessForEachSocket) {
  const Processors all = allowed_processors();
  if (all.size() < 2) GTEST_SKIP() << "this machine has one processor";
  for (size_t i = 0; i < 2; ++i) {
    fs::create_directories(folder / ("sys/devices/system/node/node" + std::to_string(i)));
    folder.write("sys/devices/system/node/node" + std::to_string(i) + "/cpulist", std::to_string(all[i]) + "\n");
  }
  const std::string command = quick + banner + " " + receipt + " " + golden_images + "slip.png";
  const Outcome one = read(command);
  const Outcome two = read(command + " --report report.json -v", "LECTERN_SYS=sys");
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_EQ(two.out, one.out);
  for (int socket = 0; socket < 2; ++socket)
    EXPECT_THAT(two.err, HasSubstr("event=worker.process device=\"cpu:socket=" + std::to_string(socket)));
  EXPECT_THAT(two.err, HasSubstr("event=worker.started device=cpu threads=1 processors=1"));
  const auto report = nlohmann::json::parse(slurp(folder / "report.json"));
  EXPECT_EQ(report.at("device"), "cpu");
  ASSERT_EQ(report.at("devices").size(), 2u);
  EXPECT_EQ(report.at("devices")[1].at("device"), "cpu:socket=1");
  const Outcome off = read(command + " --device cpu:processes=off -v", "LECTERN_SYS=sys");
  EXPECT_EQ(off.out, one.out);
  EXPECT_THAT(off.err, Not(HasSubstr("worker.process")));
}

TEST_F(ReadOnDevices, NoProcessIsLeftOfARunThatEnds) {
  const std::string command = "read --mode tiny --max-tokens 3000 --device cpu:processes=on " + banner + " -o out.txt";
  for (const int signal : {SIGINT, SIGKILL}) {
    TerminalProcess process(folder, command);
    ASSERT_TRUE(process.wait_for(" tokens, ")) << process.shown();
    EXPECT_EQ(processes_in(folder).size(), 2u) << "the parent and its worker";
    process.send(signal);
    EXPECT_EQ(process.wait(), signal == SIGINT ? 130 : 128 + signal) << process.shown();
    // Nobody is left to wait for the end of the worker of a parent that was killed.
    while (signal == SIGKILL && !processes_in(folder).empty()) ::usleep(5'000);
    EXPECT_THAT(processes_in(folder), IsEmpty());
  }
}

}  // namespace
}  // namespace lectern
