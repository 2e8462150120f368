#include "server/http/event_stream.h"

#include <gtest/gtest.h>

namespace lectern::server {
namespace {

TEST(EventStream, MarksEveryLine) {
  EXPECT_EQ(sent_event("[DONE]"), "data: [DONE]\n\n");
  EXPECT_EQ(sent_event(""), "data: \n\n");
  EXPECT_EQ(sent_event("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
}

}  // namespace
}  // namespace lectern::server
