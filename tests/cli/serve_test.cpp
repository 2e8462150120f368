// lectern serve, with the model that ships, as clients see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/lectern_process.h"
#include "core/system/processors.h"
#include "core/temp_folder.h"
#include "core/unique_fd.h"
#include "output/base64.h"
#include "server/documents/forms.h"
#include "server/http/http_client.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::ask;
using testing::expect_refusal;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using testing::slurp;
using ::testing::StartsWith;
using testing::TempFolder;

// A server with the model that ships, on a port of its own; no time runs out, however slow the machine is.
class ServerProcess {
 public:
  // Documents go to `data`; empty: to a folder of its own, which goes with it.
  explicit ServerProcess(const std::vector<std::string>& more = {}, const std::string& data = "") {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    std::vector<std::string> words = {LECTERN_BINARY,
                                      "serve",
                                      "--port",
                                      "0",
                                      "--model",
                                      LECTERN_SHIPPED_MODEL,
                                      "--quiet",
                                      "--data",
                                      data.empty() ? (folder_ / "data").string() : data};
    for (const char* limit : {"--grace", "--header-timeout", "--body-timeout", "--idle-timeout"}) {
      words.insert(words.end(), {limit, "3600"});
    }
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      std::signal(SIGTERM, SIG_DFL);
      ::dup2(write_end.get(), STDOUT_FILENO);
      ::execv(LECTERN_BINARY, arguments.data());
      ::_exit(127);
    }
    write_end = UniqueFd();
    std::string line;
    char byte = 0;
    while (::read(read_end.get(), &byte, 1) == 1 && byte != '\n') line += byte;
    const std::string expected = "listening on http://127.0.0.1:";
    if (!line.starts_with(expected)) throw std::runtime_error("the server does not start: " + line);
    port_ = std::stoi(line.substr(expected.size()));
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    wait();
  }

  int port() const { return port_; }
  std::vector<pid_t> children() const {
    std::vector<pid_t> all;
    const std::string parent = "\nPPid:\t" + std::to_string(process_) + "\n";
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      if (slurp(entry.path() / "status").find(parent) != std::string::npos)
        all.push_back(std::stoi(entry.path().filename()));
    }
    return all;
  }
  void send(int signal) const { ::kill(process_, signal); }
  int wait() {
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return testing::shell_code(status);
  }

 private:
  const TempFolder folder_;
  pid_t process_ = -1;
  int port_ = 0;
};

std::string body_of(const std::vector<std::string>& files, const json& more = json::object()) {
  json content = json::array();
  for (const std::string& file : files) {
    const std::string bytes = slurp(std::string(LECTERN_SAMPLES "/") + file);
    content.push_back({{"type", "image_url"}, {"image_url", {{"url", "data:;base64," + base64(bytes)}}}});
  }
  json body = {{"model", "primer"}, {"messages", {{{"role", "user"}, {"content", content}}}}};
  body.update(more);
  return body.dump();
}

json chat(int port, const std::string& body) {
  const HttpReply reply = ask(port, "POST", "/v1/chat/completions", body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return json::parse(reply.body);
}

std::string text_of(const json& answer) { return answer["choices"][0]["message"]["content"]; }

// What the events of a stream say, put together.
std::string streamed(int port, const std::string& body) {
  const HttpReply reply = ask(port, "POST", "/v1/chat/completions", body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  std::string text, rest = reply.body;
  for (size_t end = 0; (end = rest.find("\n\n")) != std::string::npos; rest.erase(0, end + 2)) {
    const std::string data = rest.substr(6, end - 6);
    if (data == "[DONE]") return text;
    const json event = json::parse(data);
    for (const json& choice : event["choices"]) text += choice["delta"].value("content", "");
  }
  ADD_FAILURE() << "the stream has no end";
  return text;
}

std::string read_raw(const std::string& file) {
  const TempFolder folder;
  return testing::lectern(folder,
                          "read --quiet --raw --model '" LECTERN_SHIPPED_MODEL "' '" LECTERN_SAMPLES "/" + file + "'")
      .out;
}

TEST(Serve, GivesTheTextOfTheCommandLineAloneAndInCompany) {
  const ServerProcess server;
  std::map<std::string, std::string> raw;
  for (const char* file : {"hello.png", "note.jpg", "sign.png", "ticket.png"}) {
    raw[file] = read_raw(file);
    const json answer = chat(server.port(), body_of({file}));
    EXPECT_NE(raw[file], "");
    EXPECT_EQ(text_of(answer), raw[file]) << file;
    EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
    EXPECT_GT(answer["usage"]["completion_tokens"], 0);
    EXPECT_EQ(streamed(server.port(), body_of({file}, {{"stream", true}})), raw[file]) << file;
  }
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 4; ++i) {
    for (const auto& [file, text] : raw) {
      answers.push_back(std::async(std::launch::async, [&server, i, name = file] {
        return i % 2 == 0 ? text_of(chat(server.port(), body_of({name})))
                          : streamed(server.port(), body_of({name}, {{"stream", true}}));
      }));
    }
  }
  for (size_t i = 0; i < answers.size(); i += raw.size()) {
    size_t place = i;
    for (const auto& [file, text] : raw) EXPECT_EQ(answers[place++].get(), text) << file;
  }
  const std::string both = text_of(chat(server.port(), body_of({"hello.png", "sign.png"})));
  EXPECT_EQ(both, raw["hello.png"] + "\n\n<--- Page Split --->\n" + raw["sign.png"]);
}

// A process for each of two sockets, as far as the system says. One is killed, later both are.
TEST(Serve, GoesOnWithoutAProcessThatIsKilled) {
  const Processors all = allowed_processors();
  if (all.size() < 2) GTEST_SKIP() << "this machine has one processor";
  const TempFolder system;
  for (size_t i = 0; i < 2; ++i) {
    const std::string node = "devices/system/node/node" + std::to_string(i);
    std::filesystem::create_directories(system / node);
    system.write(node + "/cpulist", std::to_string(all[i]) + "\n");
  }
  ::setenv("LECTERN_SYS", system.path().c_str(), 1);
  ServerProcess server;
  ::unsetenv("LECTERN_SYS");
  std::vector<pid_t> workers = server.children();
  ASSERT_EQ(workers.size(), 2u);
  const std::string expected = read_raw("hello.png");
  EXPECT_EQ(text_of(chat(server.port(), body_of({"hello.png"}))), expected);
  ::kill(workers[0], SIGKILL);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(text_of(chat(server.port(), body_of({"hello.png"}))), expected);
  ::kill(workers[1], SIGKILL);
  const HttpReply reply = ask(server.port(), "POST", "/v1/chat/completions", body_of({"hello.png"}));
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, HasSubstr("failed: its process was killed"));
  server.send(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  for (const pid_t worker : workers) EXPECT_NE(::kill(worker, 0), 0);
}

TEST(Serve, HonoursTheOptionsOfARequest) {
  const ServerProcess server;
  const std::string whole = text_of(chat(server.port(), body_of({"note.jpg"})));
  ASSERT_GT(whole.size(), 20u);
  // The last place where it may stop: the string must not begin before.
  const std::string stop = whole.substr(whole.size() / 2, 8);
  const json stopped = chat(server.port(), body_of({"note.jpg"}, {{"stop", {"\x7F", stop}}}));
  EXPECT_EQ(text_of(stopped), whole.substr(0, whole.find(stop)));
  EXPECT_EQ(stopped["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(stopped["lectern"]["finish"], "stop_string");
  EXPECT_EQ(streamed(server.port(), body_of({"note.jpg"}, {{"stop", stop}, {"stream", true}})), text_of(stopped));

  const json cut = chat(server.port(), body_of({"note.jpg"}, {{"max_tokens", 5}}));
  EXPECT_EQ(cut["choices"][0]["finish_reason"], "length");
  EXPECT_LT(text_of(cut).size(), whole.size());
  EXPECT_EQ(cut["usage"]["completion_tokens"], 5);

  const json sure =
      chat(server.port(), body_of({"hello.png"}, {{"logprobs", true}, {"lectern", {{"mode", "native"}}}}));
  const json& tokens = sure["choices"][0]["logprobs"]["content"];
  EXPECT_EQ(tokens.size(), sure["usage"]["completion_tokens"]);
  std::string joined;
  for (const json& token : tokens) {
    EXPECT_LE(token["logprob"], 0);
    joined += token["token"];
  }
  EXPECT_EQ(joined, text_of(sure));
  const HttpReply refused =
      ask(server.port(), "POST", "/v1/chat/completions", body_of({"hello.png"}, {{"logprobs", true}}));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("line by line"));

  // One view without lines, drawn from what the model finds likely.
  const auto drawn = [&](int seed) {
    return text_of(
        chat(server.port(),
             body_of({"hello.png"},
                     {{"temperature", 2}, {"seed", seed}, {"max_tokens", 30}, {"lectern", {{"mode", "native"}}}})));
  };
  EXPECT_EQ(drawn(7), drawn(7));
  std::set<std::string> texts;  // the model is so sure that few draws differ
  for (int seed = 1; seed <= 20; ++seed) texts.insert(drawn(seed));
  EXPECT_GT(texts.size(), 1u);
}

TEST(Serve, EndsInPeace) {
  ServerProcess server;
  EXPECT_EQ(ask(server.port(), "GET", "/health/ready").status, 200);
  HttpClient client(server.port());
  client.request("POST", "/v1/chat/completions", body_of({"note.jpg"}, {{"stream", true}}));
  EXPECT_EQ(client.head().status, 200);
  server.send(SIGTERM);
  EXPECT_THAT(client.until("[DONE]"), HasSubstr("\"finish_reason\":\"stop\""));
  EXPECT_EQ(server.wait(), 0);
}

std::string ended_job(int port, const std::string& id) {
  EXPECT_THAT(ask(port, "GET", "/v1/documents/" + id + "/events").body, HasSubstr("event: end"));
  return json::parse(ask(port, "GET", "/v1/documents/" + id).body)["status"];
}

std::string result(int port, const std::string& id, const std::string& format) {
  const HttpReply reply = ask(port, "GET", "/v1/documents/" + id + "/result?format=" + format);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.body;
}

std::string send_document(int port, const std::string& name, const std::string& content) {
  const HttpReply reply = testing::send_form(port, testing::form_file(name, content));
  EXPECT_EQ(reply.status, 201) << reply.body;
  return json::parse(reply.body)["id"];
}

TEST(Serve, ADocumentSurvivesAKillAndIsReadAsByTheCommandLine) {
  const TempFolder folder;
  const std::string data = (folder / "data").string();
  std::vector<testing::PdfPage> pages;
  for (const char* word : {"First", "Second", "Third"}) {
    pages.push_back({"BT /F 24 Tf 20 40 Td (" + std::string(word) + " page) Tj ET"});
  }
  const std::string pdf = testing::pdf_of(pages);
  folder.write("scan.pdf", pdf);
  ASSERT_EQ(
      testing::lectern(folder, "read --quiet --model '" LECTERN_SHIPPED_MODEL "' -o out/ --format md scan.pdf").code,
      0);
  std::string id;
  {
    ServerProcess server({}, data);
    id = send_document(server.port(), "scan.pdf", pdf);
    HttpClient client(server.port());
    client.request("GET", "/v1/documents/" + id + "/events");
    EXPECT_NE(client.until("\"state\":\"done\""), "");
    server.send(SIGKILL);
    EXPECT_EQ(server.wait(), 128 + SIGKILL);
  }
  const ServerProcess server({}, data);
  EXPECT_EQ(ended_job(server.port(), id), "completed");
  const std::string undisturbed = send_document(server.port(), "scan.pdf", pdf);
  EXPECT_EQ(ended_job(server.port(), undisturbed), "completed");
  for (const char* format : {"md", "txt", "hocr"}) {
    EXPECT_EQ(result(server.port(), id, format), result(server.port(), undisturbed, format)) << format;
  }
  EXPECT_EQ(result(server.port(), id, "md"), slurp(folder / "out/scan.md"));
  expect_refusal(testing::lectern(folder, "serve --port 0 --data data"), 2, "another server keeps its documents there");
}

TEST(Serve, TakesKeysFromAFile) {
  const TempFolder folder;
  folder.write("keys", "# ours\nsecret\n");
  const ServerProcess server({"--api-key-file", (folder / "keys").string()});
  EXPECT_EQ(ask(server.port(), "GET", "/v1/models").status, 401);
  const HttpReply reply = ask(server.port(), "GET", "/v1/models", "", "Authorization: Bearer secret\r\n");
  EXPECT_EQ(json::parse(reply.body)["data"][0]["id"], "primer");
}

TEST(Serve, RefusesWhatItMustNotServe) {
  const TempFolder folder;
  folder.write("empty", "");
  expect_refusal(testing::lectern(folder, "serve --host 0.0.0.0 --port 0 --data data"), 2, "others can reach it");
  expect_refusal(testing::lectern(folder, "serve --port 0 --api-key-file empty"), 2, "holds no key");
  expect_refusal(testing::lectern(folder, "serve --port 0 --host no.such.host.invalid --allow-anonymous --data data"),
                 2, "no address of this machine");
  expect_refusal(testing::lectern(folder, "serve --port 70000"), 2, "--port");
  expect_refusal(testing::lectern(folder, "serve --port 0 --model nothing/here --data data"), 2, "nothing/here");
  const ServerProcess server;
  expect_refusal(testing::lectern(folder, "serve --data data --port " + std::to_string(server.port())), 2,
                 "cannot be listened at");
}

}  // namespace
}  // namespace lectern
