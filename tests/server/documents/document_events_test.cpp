#include "server/documents/document_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

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

std::string last_id(const std::string& events) {
  const size_t begin = events.rfind("id: ") + 4;
  return events.substr(begin, events.find('\n', begin) - begin);
}

struct DocumentEventsTest : ::testing::Test {
  DocumentEvents events;
  DocumentEvents::Standing standing{"{\"a\":1}", {}};

  std::shared_ptr<Watcher> watch(std::string_view after = "", const std::string& id = "a") {
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
  events.page_begun("a", 1, {});
  events.page_begun("a", 1, {});
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
  const std::string seen = last_id(first->got);
  events.text("a", 1, 4, "two");
  EXPECT_EQ(plain(watch(seen)->got), "event: text\ndata: {\"number\":1,\"text\":\"two\"}\n\n");
  EXPECT_EQ(watch(last_id(first->got))->got, "");
}

TEST_F(DocumentEventsTest, WhatIsTooOldIsReplacedByHowItStands) {
  events.open("a");
  standing.pages = {{1, false}, {2, true}};
  const std::string before = last_id(watch()->got);
  events.page_begun("a", 3, {.views = 33, .seconds = 41});
  std::string all;
  const std::string piece(1000, 'x');
  for (int i = 0; i < 500; ++i) {
    events.text("a", 3, all.size(), piece);
    all += piece;
  }
  const std::string never = before.substr(0, before.find('-')) + "-9000000000000000000";
  for (const std::string& after : {before, never, before + "x", std::string("12"), std::string()}) {
    const auto watcher = watch(after);
    EXPECT_EQ(plain(watcher->got),
              "event: job\ndata: {\"a\":1}\n\n"
              "event: page\ndata: {\"number\":1,\"state\":\"done\"}\n\n"
              "event: page\ndata: {\"number\":2,\"state\":\"failed\"}\n\n"
              "event: page\ndata: {\"number\":3,\"state\":\"reading\","
              "\"expected\":{\"views\":33,\"encode_seconds\":41.0}}\n\n"
              "event: text\ndata: {\"number\":3,\"restart\":true}\n\n"
              "event: text\ndata: {\"number\":3,\"text\":\"" +
                  all + "\"}\n\n");
  }
}

TEST_F(DocumentEventsTest, IdsOfAnotherProcessAreUnknown) {
  events.open("a");
  const std::string before = last_id(watch()->got);
  events.changed("a", "{}");
  DocumentEvents later;
  later.open("a");
  const auto watcher = std::make_shared<Watcher>();
  later.watch("a", watcher, before, [&] { return standing; });
  EXPECT_THAT(watcher->got, HasSubstr("event: job")) << "not what another process told";
}

TEST_F(DocumentEventsTest, OnlyTheLastOfHowItStandsHasAnId) {
  events.open("a");
  standing.pages = {{1, false}};
  events.text("a", 2, 0, "one ");
  const std::string all = watch()->got;
  EXPECT_EQ(all.find("id: "), all.rfind("id: ")) << "a client that got a part has no id to come back with";
  EXPECT_THAT(all, HasSubstr("event: text\ndata: {\"number\":2,\"restart\":true}\n\nid: "));
  events.text("a", 2, 4, "two");
  EXPECT_EQ(plain(watch(last_id(all))->got), "event: text\ndata: {\"number\":2,\"text\":\"two\"}\n\n");
}

// However often a stream breaks off, and wherever, every event comes once.
TEST_F(DocumentEventsTest, NothingIsLostOrDoubledByStreamsThatBreakOff) {
  events.open("a");
  events.open("b");
  std::string got;
  size_t length = 0;
  auto watcher = watch();
  got = watcher->got;
  watcher->got.clear();
  for (int i = 0; i < 200; ++i) {
    events.text("b", 1, static_cast<size_t>(i), "x");  // takes numbers between
    const std::string piece = std::to_string(i) + " ";
    events.text("a", 1, length, piece);
    length += piece.size();
    if (i % 3 != 0) continue;
    const std::string now = watcher->got;
    // The client has whole events alone, and not all of them.
    size_t taken = now.size();
    if (i % 2 == 0) taken = now.rfind("\n\n", now.size() - 3);
    got += taken == std::string::npos ? "" : now.substr(0, i % 2 == 0 ? taken + 2 : taken);
    watcher->gone();
    watcher = watch(last_id(got));
  }
  got += watcher->got;
  std::string text;
  for (size_t at = got.find("\"text\":\""); at != std::string::npos; at = got.find("\"text\":\"", at + 1)) {
    text += got.substr(at + 8, got.find('"', at + 8) - at - 8);
  }
  std::string all;
  for (int i = 0; i < 200; ++i) all += std::to_string(i) + " ";
  EXPECT_EQ(text, all);
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
  EXPECT_THAT(watcher->got, Not(HasSubstr("{\"a\":2}")));
  EXPECT_THAT(other->got, HasSubstr("{\"a\":2}"));
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
