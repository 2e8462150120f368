#include "server/documents/document_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace lectern::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// What a client of a stream gets.
class Watcher : public HttpExchange {
 public:
  const HttpRequest& request() const override { return request_; }
  const std::string& body() const override { return body_; }
  void drop_body() override {}
  std::shared_ptr<HttpForm> form() const override { return nullptr; }
  void respond(HttpResponse response) override { begin(std::move(response)); }
  void begin(HttpResponse head) override { got = head.body; }
  void write(std::string_view more) override { got += more; }
  void end() override { ended = true; }
  void when_gone(std::function<void()> call) override { gone = std::move(call); }

  std::string got;
  bool ended = false;
  std::function<void()> gone;

 private:
  HttpRequest request_;
  std::string body_;
};

// The events without their numbers.
std::string plain(std::string events) {
  for (size_t at = events.find("id: "); at != std::string::npos; at = events.find("id: ", at)) {
    events.erase(at, events.find('\n', at) + 1 - at);
  }
  return events;
}

int64_t last_number(const std::string& events) { return std::stoll(events.substr(events.rfind("id: ") + 4)); }

struct DocumentEventsTest : ::testing::Test {
  DocumentEvents events;
  DocumentEvents::Standing standing{"{\"a\":1}", {}};

  std::shared_ptr<Watcher> watch(std::optional<int64_t> after = {}, const std::string& id = "a") {
    auto watcher = std::make_shared<Watcher>();
    events.watch(id, watcher, after, [&] { return standing; });
    return watcher;
  }
};

TEST_F(DocumentEventsTest, ComeAsTheyHappen) {
  events.open("a");
  const auto watcher = watch();
  EXPECT_EQ(plain(watcher->got), "event: job\ndata: {\"a\":1}\n\n");
  watcher->got.clear();
  events.page_begun("a", 1);
  events.page_begun("a", 1);
  events.text("a", 1, 0, "one ");
  events.text("a", 1, 4, "two");
  events.page_ended("a", 1, false);
  events.changed("a", "{\"a\":2}");
  events.end("a", "{\"a\":3}");
  EXPECT_EQ(plain(watcher->got),
            "event: page\ndata: {\"number\":1,\"state\":\"reading\"}\n\n"
            "event: text\ndata: {\"number\":1,\"text\":\"one \"}\n\n"
            "event: text\ndata: {\"number\":1,\"text\":\"two\"}\n\n"
            "event: page\ndata: {\"number\":1,\"state\":\"done\"}\n\n"
            "event: job\ndata: {\"a\":2}\n\n"
            "event: end\ndata: {\"a\":3}\n\n");
  EXPECT_TRUE(watcher->ended);
}

TEST_F(DocumentEventsTest, TextThatIsTakenBackBeginsAnew) {
  events.open("a");
  const auto watcher = watch();
  events.text("a", 2, 0, "wrong text");
  watcher->got.clear();
  events.text("a", 2, 6, "again");
  EXPECT_EQ(plain(watcher->got),
            "event: text\ndata: {\"number\":2,\"restart\":true}\n\n"
            "event: text\ndata: {\"number\":2,\"text\":\"wrong again\"}\n\n");
}

TEST_F(DocumentEventsTest, AClientThatComesBackGetsWhatItMissed) {
  events.open("a");
  const auto first = watch();
  events.text("a", 1, 0, "one ");
  const int64_t seen = last_number(first->got);
  events.text("a", 1, 4, "two");
  EXPECT_EQ(plain(watch(seen)->got), "event: text\ndata: {\"number\":1,\"text\":\"two\"}\n\n");
  EXPECT_EQ(watch(last_number(first->got))->got, "");
}

TEST_F(DocumentEventsTest, WhatIsTooOldIsReplacedByHowItStands) {
  events.open("a");
  standing.pages = {{1, false}, {2, true}};
  const int64_t before = last_number(watch()->got);
  events.page_begun("a", 3);
  std::string all;
  const std::string piece(1000, 'x');
  for (int i = 0; i < 500; ++i) {
    events.text("a", 3, all.size(), piece);
    all += piece;
  }
  for (const std::optional<int64_t> after : {std::optional(before), std::optional<int64_t>(INT64_MAX), {}}) {
    const auto watcher = watch(after);
    EXPECT_EQ(plain(watcher->got),
              "event: job\ndata: {\"a\":1}\n\n"
              "event: page\ndata: {\"number\":1,\"state\":\"done\"}\n\n"
              "event: page\ndata: {\"number\":2,\"state\":\"failed\"}\n\n"
              "event: page\ndata: {\"number\":3,\"state\":\"reading\"}\n\n"
              "event: text\ndata: {\"number\":3,\"restart\":true}\n\n"
              "event: text\ndata: {\"number\":3,\"text\":\"" +
                  all + "\"}\n\n");
  }
}

TEST_F(DocumentEventsTest, NumbersRiseBeyondThoseOfAnEarlierProcess) {
  events.open("a");
  const int64_t before = last_number(watch()->got);
  events.changed("a", "{}");
  DocumentEvents later;
  later.open("a");
  const auto watcher = std::make_shared<Watcher>();
  later.watch("a", watcher, before, [&] { return standing; });
  EXPECT_THAT(watcher->got, HasSubstr("event: job")) << "not what another process told";
}

TEST_F(DocumentEventsTest, AJobThatHasEndedEndsTheStream) {
  standing.pages = {{1, false}};
  const auto watcher = watch();
  EXPECT_THAT(plain(watcher->got), EndsWith("event: end\ndata: {\"a\":1}\n\n"));
  EXPECT_THAT(watcher->got, HasSubstr("\"state\":\"done\""));
  EXPECT_TRUE(watcher->ended);
}

TEST_F(DocumentEventsTest, ThoseWhoWentAreForgotten) {
  events.open("a");
  const auto watcher = watch(), other = watch();
  watcher->gone();
  events.changed("a", "{\"a\":2}");
  events.keep_alive();
  EXPECT_THAT(watcher->got, Not(HasSubstr("{\"a\":2}")));
  EXPECT_THAT(other->got, HasSubstr("{\"a\":2}"));
  EXPECT_THAT(other->got, EndsWith(":\n\n"));
  events.close();
  EXPECT_TRUE(other->ended);
  EXPECT_FALSE(watcher->ended);
  watcher->gone();
}

TEST_F(DocumentEventsTest, JobsAreKeptApart) {
  events.open("a");
  events.open("b");
  const auto watcher = watch();
  watcher->got.clear();
  events.text("b", 1, 0, "secret");
  events.changed("c", "{}");
  EXPECT_EQ(watcher->got, "");
}

}  // namespace
}  // namespace lectern::server
