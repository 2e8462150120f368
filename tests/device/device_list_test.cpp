#include "device/device_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;

TEST(DeviceList, NamesOneOrSeveral) {
  EXPECT_THAT(parse_device_list("cpu"), ElementsAre("cpu"));
  EXPECT_THAT(parse_device_list("ascend:3"), ElementsAre("ascend:3"));
  EXPECT_THAT(parse_device_list("ascend:0-2,cpu,cuda:1"),
              ElementsAre("ascend:0", "ascend:1", "ascend:2", "cpu", "cuda:1"));
  EXPECT_THAT(parse_device_list("ascend:5-5"), ElementsAre("ascend:5"));
}

TEST(DeviceList, OptionsStandBehindAColon) {
  EXPECT_THAT(parse_device_list("ascend:0-1:type=f16:sync=1,cpu"),
              ElementsAre("ascend:0:type=f16:sync=1", "ascend:1:type=f16:sync=1", "cpu"));
  EXPECT_THAT(parse_device_list("cpu:a=b-c"), ElementsAre("cpu:a=b-c"));
  const DeviceName name = parse_device_name("ascend:12:type=f16:sync=");
  EXPECT_EQ(name.name, "ascend:12");
  EXPECT_THAT(name.options, ElementsAre(std::pair("type", "f16"), std::pair("sync", "")));
  EXPECT_EQ(parse_device_name("cpu").name, "cpu");
  EXPECT_TRUE(parse_device_name("").name.empty());
  for (const char* text :
       {"ascend:0:f16", "ascend:0:", "ascend:0:=f16", "cpu:a=b:c", "ascend:0:type=f16:type=bf16", "cpu:a=b:c=d:a=b"})
    EXPECT_THROW(parse_device_name(text), Error) << text;
  for (const char* text : {"ascend:0:type=f16,ascend:0:type=bf16", "ascend:0-2:sync=1,ascend:1"})
    EXPECT_THROW(parse_device_list(text), Error) << text;
}

TEST(DeviceList, RefusesWhatIsNone) {
  for (const std::string text : {"", ",", "cpu,", ",cpu", "cpu,,cpu", ":0-3", "ascend:3-1", "ascend:0-", "ascend:-1",
                                 "ascend:0-x", "ascend:0-99999999999", "ascend:0-1024", "cpu,cpu", "a:0-2,a:1"}) {
    EXPECT_THROW(parse_device_list(text), Error) << text;
  }
}

TEST(DeviceList, MakesGroupsForRanks) {
  EXPECT_THAT(parse_device_groups("ascend:0-3", 1), ElementsAre("ascend:0", "ascend:1", "ascend:2", "ascend:3"));
  EXPECT_THAT(parse_device_groups("ascend:0-3:type=f16", 2),
              ElementsAre("ascend:0:type=f16,ascend:1:type=f16", "ascend:2:type=f16,ascend:3:type=f16"));
  EXPECT_THAT(parse_device_groups("cpu", 8), ElementsAre("cpu"));
  EXPECT_THAT(ranks_of("cpu", 3), ElementsAre("cpu", "cpu", "cpu"));
  EXPECT_THAT(ranks_of("ascend:2,ascend:5", 2), ElementsAre("ascend:2", "ascend:5"));
  EXPECT_THAT(ranks_of("ascend:0", 1), ElementsAre("ascend:0"));
}

TEST(DeviceList, RefusesWhatMakesNoGroups) {
  const auto reason_of = [](const char* text, int ranks) -> std::string {
    try {
      parse_device_groups(text, ranks);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(reason_of("ascend:0-2", 2),
            "'ascend:0-2': names 3 devices, which `tensor_parallel` 2 cannot make groups of; name a multiple of 2");
  EXPECT_EQ(reason_of("ascend:0", 2), "'ascend:0': a card serves one rank; name 2 of them for `tensor_parallel` 2");
  EXPECT_EQ(reason_of("ascend:0,cpu", 2),
            "'ascend:0,cpu': the ranks of one model run on devices of one kind, not on ascend and cpu");
  EXPECT_EQ(reason_of("cpu", 0), "`tensor_parallel` is 0; expected 1 to 64, usually 2, 4 or 8");
  EXPECT_EQ(reason_of("cpu", 65), "`tensor_parallel` is 65; expected 1 to 64, usually 2, 4 or 8");
  EXPECT_THROW(ranks_of("ascend:0-3", 2), Error);
}

}  // namespace
}  // namespace lectern
