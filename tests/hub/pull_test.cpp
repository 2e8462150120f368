#include "hub/pull.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/log.h"
#include "core/stopped.h"
#include "core/temp_folder.h"
#include "hub/fake_hub.h"
#include "hub/model_store.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using testing::FakeHub;
using ::testing::HasSubstr;
using testing::http_answer;
using testing::ServedRequest;
using testing::slurp;
using testing::TempFolder;
using ::testing::UnorderedElementsAre;

const std::string home = "deepseek-ai--DeepSeek-OCR/";
const std::string complete = home + FakeHub::commit + "/";
const std::string partial = home + FakeHub::commit + ".partial/";

struct Puller {
  PullOptions options;
  std::vector<std::string> notes;
  std::vector<PullProgress> progress;
  std::stop_source stop;

  Puller(const FakeHub& hub, const TempFolder& store) {
    options.endpoint = hub.url();
    options.store = store.path();
    options.pause = std::chrono::milliseconds(1);
    options.attempts = 3;
  }

  Pulled run() {
    PullEvents events;
    events.progress = [&](const PullProgress& now) { progress.push_back(now); };
    events.note = [&](const std::string& text) { notes.push_back(text); };
    events.stop = stop.get_token();
    return pull(options, events);
  }

  std::string refusal() {
    try {
      run();
      return "accepted";
    } catch (const Error& error) {
      return error.what();
    }
  }
};

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

void expect_complete(const TempFolder& store) {
  EXPECT_THAT(names_in(store / complete),
              UnorderedElementsAre("config.json", "tokenizer.json", FakeHub::weights_name, "lectern-model.json"));
  EXPECT_EQ(slurp(store / (complete + FakeHub::weights_name)), FakeHub::weights());
  EXPECT_FALSE(fs::exists(store / partial));
}

// The first half of an answer's body, under headers that promise all of it.
std::string half(const std::string& answer) { return answer.substr(0, answer.size() - FakeHub::weights().size() / 2); }

TEST(Pull, BringsTheNeededFilesAndNothingElse) {
  const FakeHub hub;
  const TempFolder store;
  Puller puller(hub, store);
  const Pulled pulled = puller.run();
  EXPECT_EQ(pulled.folder, store / (home + FakeHub::commit));
  EXPECT_EQ(pulled.commit, FakeHub::commit);
  EXPECT_FALSE(pulled.was_there);
  expect_complete(store);
  EXPECT_EQ(find_stored(store.path(), deepseek_ocr)->folder, pulled.folder);
  ASSERT_FALSE(puller.progress.empty());
  EXPECT_EQ(puller.progress.back().done, puller.progress.back().total);
  EXPECT_EQ(puller.progress.back().loaded, puller.progress.back().total);
  EXPECT_TRUE(std::ranges::is_sorted(puller.progress, {}, &PullProgress::done));
  EXPECT_EQ(hub.hub().requests().at(0).target, "/api/models/deepseek-ai/DeepSeek-OCR/revision/main?blobs=true");

  const size_t before = hub.hub().requests().size();
  EXPECT_TRUE(puller.run().was_there);
  EXPECT_EQ(hub.hub().requests().size(), before + 1) << "the list alone";
}

TEST(Pull, AsksForTheRevision) {
  const FakeHub hub;
  const TempFolder store;
  Puller puller(hub, store);
  puller.options.name.revision = "refs/pr/1";
  puller.run();
  EXPECT_THAT(hub.hub().requests().at(0).target, HasSubstr("/revision/refs%2Fpr%2F1?blobs=true"));
}

TEST(Pull, SendsTheTokenToTheEndpointAlone) {
  const FakeHub hub;
  const TempFolder store;
  Puller puller(hub, store);
  puller.options.token = "hf_secret";
  puller.run();
  for (const ServedRequest& request : hub.hub().requests()) {
    EXPECT_EQ(request.header("Authorization"), "Bearer hf_secret") << request.target;
  }
  ASSERT_EQ(hub.store().requests().size(), 1u);
  EXPECT_EQ(hub.store().requests()[0].header("Authorization"), "");
}

TEST(Pull, GoesOnAfterACutConnection) {
  FakeHub hub;
  int requests = 0;
  hub.instead_of_weights = [&](const ServedRequest& request) -> std::optional<std::string> {
    if (++requests > 1) return std::nullopt;
    return half(testing::ranged_answer(request, FakeHub::weights()));
  };
  const TempFolder store;
  Puller puller(hub, store);
  puller.run();
  expect_complete(store);
  const auto served = hub.store().requests();
  ASSERT_EQ(served.size(), 2u);
  EXPECT_EQ(served[1].header("Range"), "bytes=150000-");
  EXPECT_EQ(served[1].header("If-Range"), "\"tag\"");
  EXPECT_THAT(puller.notes, Contains(HasSubstr("trying again")));
}

TEST(Pull, GoesOnInALaterPull) {
  FakeHub hub;
  const TempFolder store;
  hub.instead_of_weights = [](const ServedRequest& request) -> std::optional<std::string> {
    if (!request.header("Range").empty()) return std::string();
    return half(testing::ranged_answer(request, FakeHub::weights()));
  };
  {
    Puller puller(hub, store);
    EXPECT_THAT(puller.refusal(), AllOf(HasSubstr("given up after 3 attempts"), HasSubstr("goes on from there")));
    EXPECT_FALSE(fs::exists(store / complete));
    EXPECT_FALSE(find_stored(store.path(), deepseek_ocr));
  }
  hub.instead_of_weights = nullptr;
  Puller puller(hub, store);
  puller.run();
  expect_complete(store);
  EXPECT_EQ(hub.store().requests().back().header("Range"), "bytes=150000-");
  EXPECT_LT(puller.progress.back().loaded, 200'000) << "the small files and half of the large one came before";
}

TEST(Pull, StartsOverWhereAServerKnowsNoRanges) {
  FakeHub hub;
  int requests = 0;
  hub.instead_of_weights = [&](const ServedRequest&) -> std::optional<std::string> {
    const std::string all = http_answer("200 OK", "", FakeHub::weights());
    return ++requests == 1 ? half(all) : all;
  };
  const TempFolder store;
  Puller(hub, store).run();
  expect_complete(store);
}

TEST(Pull, GoesOnWhereARangeComesWith200) {
  FakeHub hub;
  int requests = 0;
  hub.instead_of_weights = [&](const ServedRequest& request) -> std::optional<std::string> {
    const std::string all = testing::ranged_answer(request, FakeHub::weights());
    if (++requests == 1) return half(all);
    return "HTTP/1.1 200 OK" + all.substr(all.find("\r\n"));
  };
  const TempFolder store;
  Puller puller(hub, store);
  puller.run();
  expect_complete(store);
  EXPECT_EQ(requests, 2);
  EXPECT_LT(puller.progress.back().loaded, 310'000) << "nothing came twice";
}

TEST(Pull, BeginsAnewWhereAnotherRangeComesWith200) {
  FakeHub hub;
  int requests = 0;
  hub.instead_of_weights = [&](const ServedRequest& request) -> std::optional<std::string> {
    ++requests;
    if (requests == 1) return half(testing::ranged_answer(request, FakeHub::weights()));
    if (requests > 2) return std::nullopt;
    return http_answer("200 OK", "Content-Range: bytes 100000-299999/300000\r\n", std::string(200'000, 'x'));
  };
  const TempFolder store;
  Puller(hub, store).run();
  expect_complete(store);
}

TEST(Pull, WithoutANetworkSaysHowToDoWithout) {
  const TempFolder store;
  const FakeHub hub;
  Puller puller(hub, store);
  puller.options.endpoint = "http://127.0.0.1:9";  // nobody listens there
  puller.options.attempts = 6;
  EXPECT_THAT(puller.refusal(), AllOf(HasSubstr("given up after 3 attempts"), HasSubstr("config.json, tokenizer.json"),
                                      HasSubstr("name that folder as the model")));
  EXPECT_EQ(puller.notes.size(), 2u);
}

TEST(Pull, BringsWhatDescribesAPackedModel) {
  FakeHub hub;
  hub.files["packed.json"] = "{}";
  const TempFolder store;
  Puller(hub, store).run();
  EXPECT_EQ(slurp(store / (complete + "packed.json")), "{}");
}

TEST(Pull, RemovesWhatEarlierPullsLeft) {
  const FakeHub hub;
  const TempFolder store;
  const fs::path old = store / (home + std::string(40, 'a') + ".partial");
  const fs::path other = store / ("deepseek-ai--Other/" + std::string(40, 'a') + ".partial");
  const fs::path foreign = store / (home + "notes.partial");
  for (const fs::path& folder : {old, other, foreign}) {
    fs::create_directories(folder);
    std::ofstream(folder / "config.json.part") << "half";
  }
  Puller puller(hub, store);
  puller.run();
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(other)) << "of another model";
  EXPECT_TRUE(fs::exists(foreign)) << "no folder of a commit";
  EXPECT_THAT(puller.notes, Contains(HasSubstr("of an earlier pull that was cut, removed")));
  expect_complete(store);
}

TEST(Pull, GivesUpOnAServerThatKnowsNoRangesAndAlwaysBreaks) {
  FakeHub hub;
  hub.instead_of_weights = [](const ServedRequest&) { return half(http_answer("200 OK", "", FakeHub::weights())); };
  const TempFolder store;
  EXPECT_THAT(Puller(hub, store).refusal(), HasSubstr("given up after 3 attempts"));
  EXPECT_EQ(hub.store().requests().size(), 3u);
}

TEST(Pull, StartsOverAfterARangeThatWasNotAskedFor) {
  for (const char* range : {"bytes 0-149999/300000", "bytes 150000-299999/300001", "bytes 150000-200000/300000", ""}) {
    FakeHub hub;
    int requests = 0;
    hub.instead_of_weights = [&](const ServedRequest& request) -> std::optional<std::string> {
      ++requests;
      if (requests == 1) return half(testing::ranged_answer(request, FakeHub::weights()));
      if (requests > 2) return std::nullopt;
      return http_answer("206 Partial Content", "Content-Range: " + std::string(range) + "\r\n",
                         std::string(150'000, 'x'));
    };
    const TempFolder store;
    Puller(hub, store).run();
    expect_complete(store);
    EXPECT_EQ(hub.store().requests().at(2).header("Range"), "");
  }
}

TEST(Pull, StartsOverAfter416) {
  FakeHub hub;
  hub.instead_of_weights = [](const ServedRequest& request) -> std::optional<std::string> {
    if (!request.header("Range").empty()) return http_answer("416 Range Not Satisfiable", "", "");
    return std::nullopt;
  };
  const TempFolder store;
  fs::create_directories(store / partial);
  store.write(partial + FakeHub::weights_name + ".part", FakeHub::weights().substr(0, 1000));
  Puller(hub, store).run();
  expect_complete(store);
}

TEST(Pull, StartsOverWhereWhatWasThereDoesNotMatch) {
  const FakeHub hub;
  const TempFolder store;
  fs::create_directories(store / partial);
  store.write(partial + FakeHub::weights_name + ".part", "something else");
  store.write(partial + "config.json", "{}");
  Puller puller(hub, store);
  puller.run();
  expect_complete(store);
  EXPECT_THAT(puller.notes, Contains(HasSubstr("does not match; from the start")));
}

TEST(Pull, MendsAModelThatLostAFile) {
  const FakeHub hub;
  const TempFolder store;
  Puller puller(hub, store);
  puller.run();
  fs::remove(store / (complete + "config.json"));
  EXPECT_FALSE(puller.run().was_there);
  expect_complete(store);
  EXPECT_EQ(hub.store().requests().size(), 1u) << "the weights were not brought again";
}

TEST(Pull, RefusesContentThatIsNotWhatTheHubLists) {
  FakeHub hub;
  hub.instead_of_weights = [](const ServedRequest&) {
    std::string content = FakeHub::weights();
    content[1000] ^= 1;
    return http_answer("200 OK", "", content);
  };
  const TempFolder store;
  EXPECT_THAT(Puller(hub, store).refusal(), AllOf(HasSubstr("SHA-256"), HasSubstr("not what the hub lists")));
  EXPECT_FALSE(fs::exists(store / complete));
  EXPECT_EQ(fs::file_size(store / (partial + FakeHub::weights_name + ".part")), 0u);

  FakeHub other;
  other.instead_of_file = [](const ServedRequest& request) -> std::optional<std::string> {
    if (!request.target.ends_with("config.json")) return std::nullopt;
    return http_answer("200 OK", "", R"({"model_type": "best"})");
  };
  const TempFolder empty;
  EXPECT_THAT(Puller(other, empty).refusal(), AllOf(HasSubstr("config.json"), HasSubstr("git SHA-1")));
}

TEST(Pull, RefusesAnotherSize) {
  const TempFolder store;
  FakeHub longer;
  longer.instead_of_weights = [](const ServedRequest&) {
    return http_answer("200 OK", "", FakeHub::weights() + "more");
  };
  EXPECT_THAT(Puller(longer, store).refusal(), HasSubstr("has 300004 bytes of it, the hub lists 300000"));
  FakeHub endless;  // does not say how much comes
  endless.instead_of_weights = [](const ServedRequest&) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + FakeHub::weights() + "more";
  };
  EXPECT_THAT(Puller(endless, store).refusal(), HasSubstr("sends more than the 300000 bytes"));
  FakeHub shorter;
  shorter.instead_of_weights = [](const ServedRequest&) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + FakeHub::weights().substr(0, 1000);
  };
  EXPECT_THAT(Puller(shorter, store).refusal(), HasSubstr("the server ended early"));
  FakeHub linked;
  linked.instead_of_file = [](const ServedRequest& request) -> std::optional<std::string> {
    if (!request.target.ends_with(".safetensors")) return std::nullopt;
    return http_answer("302 Found", "Location: http://127.0.0.1:1/\r\nX-Linked-Size: 7\r\n", "");
  };
  EXPECT_THAT(Puller(linked, store).refusal(), HasSubstr("has 7 bytes, the hub lists 300000"));
  EXPECT_FALSE(fs::exists(store / complete));
}

TEST(Pull, SaysWhyAModelIsNotGivenOut) {
  struct Case {
    const char *status, *headers, *token, *expected;
  };
  for (const Case& c : std::vector<Case>{
           {"401 Unauthorized", "X-Error-Code: GatedRepo\r\n", "", "is gated: accept its terms on http://127.0.0.1"},
           {"403 Forbidden", "X-Error-Code: GatedRepo\r\n", "hf_x", "is gated: accept its terms on http://127.0.0.1"},
           {"401 Unauthorized", "X-Error-Code: RepoNotFound\r\n", "", "no such model, or it is private"},
           {"403 Forbidden", "", "hf_x", "does not give it out to the owner of HF_TOKEN (403)"},
           {"404 Not Found", "X-Error-Code: RevisionNotFound\r\n", "", "has no revision 'v1'"},
           {"404 Not Found", "", "", "is not there on http://127.0.0.1"},
           {"400 Bad Request", "X-Error-Message: no\x1b[31m good\r\n", "", "answers 400: no?[31m good"}}) {
    FakeHub hub;
    hub.instead_of_list = [&](const ServedRequest&) { return http_answer(c.status, c.headers, "{}"); };
    const TempFolder store;
    Puller puller(hub, store);
    puller.options.token = c.token;
    puller.options.name.revision = "v1";
    EXPECT_THAT(puller.refusal(), AllOf(HasSubstr("deepseek-ai/DeepSeek-OCR: "), HasSubstr(c.expected)));
    EXPECT_EQ(hub.hub().requests().size(), 1u) << "it does not try again";
  }
}

TEST(Pull, TriesAgainWhereAServerIsBusy) {
  for (const char* status : {"429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable"}) {
    FakeHub hub;
    int requests = 0;
    hub.instead_of_list = [&](const ServedRequest&) -> std::optional<std::string> {
      if (++requests > 2) return std::nullopt;
      return http_answer(status, "Retry-After: 0\r\n", "");
    };
    const TempFolder store;
    Puller(hub, store).run();
    expect_complete(store);
    requests = -10;
    EXPECT_THAT(Puller(hub, store).refusal(), HasSubstr("given up after 3 attempts"));
  }
}

TEST(Pull, LogsWhatItDoesAndNoSecret) {
  FakeHub hub;
  int requests = 0;
  hub.instead_of_list = [&](const ServedRequest&) -> std::optional<std::string> {
    if (++requests > 1) return std::nullopt;
    return http_answer("503 Service Unavailable", "Retry-After: 0\r\n", "");
  };
  const TempFolder store;
  Puller puller(hub, store);
  puller.options.token = "hf_secret";
  std::string log;
  set_log(LogLevel::debug, [&](LogLevel, std::string_view line) { log.append(line) += '\n'; });
  puller.run();
  set_log(LogLevel::off);
  EXPECT_THAT(log, HasSubstr("event=hub.tried_again what="));
  EXPECT_THAT(log, HasSubstr("because=\"the server is not well (503)\" attempt=2 pause=0.001\n"));
  EXPECT_THAT(log, HasSubstr("event=hub.listed model="));
  EXPECT_THAT(log, HasSubstr("event=hub.verified file=config.json bytes="));
  EXPECT_THAT(log, HasSubstr(" status=200 hop=1\n"));
  EXPECT_THAT(log, ::testing::Not(HasSubstr("hf_secret")));
  for (const ServedRequest& request : hub.store().requests())  // behind a redirect, where an address may be signed
    EXPECT_THAT(log, ::testing::Not(HasSubstr(request.target)));
}

TEST(Pull, RefusesRedirectsThatLeadAstray) {
  struct Case {
    const char *location, *expected;
  };
  for (const Case& c :
       std::vector<Case>{{"file:///etc/passwd", "is no address of the web"},
                         {"ftp://127.0.0.1/model", "is no address of the web"},
                         {"/api/models/deepseek-ai/DeepSeek-OCR/revision/main", "redirects more than"}}) {
    FakeHub hub;
    hub.instead_of_list = [&](const ServedRequest&) {
      return http_answer("302 Found", "Location: " + std::string(c.location) + "\r\n", "");
    };
    const TempFolder store;
    EXPECT_THAT(Puller(hub, store).refusal(), HasSubstr(c.expected));
  }
}

TEST(Pull, RefusesAListWithoutEnd) {
  FakeHub hub;
  hub.instead_of_list = [](const ServedRequest&) { return http_answer("200 OK", "", std::string(17 << 20, ' ')); };
  const TempFolder store;
  EXPECT_THAT(Puller(hub, store).refusal(), HasSubstr("is longer than 16777216 bytes"));
}

TEST(Pull, LooksForSpaceFirst) {
  FakeHub hub;
  hub.instead_of_list = [&](const ServedRequest&) {
    auto list = hub.listing();
    for (auto& file : list["siblings"]) {
      if (file["rfilename"] == FakeHub::weights_name) file["size"] = int64_t{1} << 44;
    }
    return http_answer("200 OK", "", list.dump());
  };
  const TempFolder store;
  EXPECT_THAT(Puller(hub, store).refusal(), AllOf(HasSubstr("17.6 TB are still to come"), HasSubstr("make room")));
  EXPECT_EQ(hub.store().requests().size(), 0u);
}

TEST(Pull, KeepsASecondPullAway) {
  const FakeHub hub;
  const TempFolder store;
  fs::create_directories(store / home);
  const int lock = ::open((store / (home + ".lock")).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  EXPECT_THAT(Puller(hub, store).refusal(), HasSubstr("another lectern is pulling it"));
  ::close(lock);
  Puller(hub, store).run();
  expect_complete(store);
}

TEST(Pull, StopsAndKeepsWhatCame) {
  FakeHub hub;
  const TempFolder store;
  Puller puller(hub, store);
  hub.instead_of_weights = [&](const ServedRequest& request) {
    const std::string answer = half(testing::ranged_answer(request, FakeHub::weights()));
    puller.stop.request_stop();
    return answer;
  };
  EXPECT_THROW(puller.run(), Stopped);
  EXPECT_TRUE(fs::exists(store / (partial + "config.json")));
  EXPECT_FALSE(fs::exists(store / complete));
}

}  // namespace
}  // namespace lectern::hub
