#include "device/communicator.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "device/cpu/cpu_device.h"
#include "device/host_values.h"
#include "lectern/error.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::Random;

// Runs body(rank's communicator, its device) in a thread for every rank.
template <typename Body>
void on_ranks(int count, const Body& body) {
  std::vector<std::unique_ptr<Device>> devices;
  std::vector<Device*> pointers;
  pointers.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) pointers.push_back(devices.emplace_back(make_cpu_device({})).get());
  std::vector<std::unique_ptr<Communicator>> ranks = make_in_process_ranks(pointers);
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < ranks.size(); ++i) {
    threads.emplace_back([&, i, rank = std::move(ranks[i])]() mutable {
      body(*rank, *pointers[i]);
      if (i % 2 == 1) rank.reset();  // whoever is done may leave
    });
  }
}

TEST(Communicator, SumsInTheOrderOfRanks) {
  for (const int count : {1, 2, 3, 5}) {
    Random random(static_cast<uint32_t>(count));
    std::vector<std::vector<float>> values;
    values.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) values.push_back(random.values(50, 1e3f));
    std::vector<float> expected = values[0];
    for (size_t r = 1; r < values.size(); ++r) {
      for (size_t i = 0; i < expected.size(); ++i) expected[i] += values[r][i];
    }
    std::vector<std::vector<float>> got(values.size());
    on_ranks(count, [&](Communicator& rank, Device& device) {
      EXPECT_EQ(rank.size(), count);
      const auto own = static_cast<size_t>(rank.rank());
      const Tensor x = from_host(device, values[own], {5, 10});
      for (int round = 0; round < 20; ++round) {  // one does not overtake another
        const Tensor copy(device, DataType::f32, x.shape());
        device.copy({x, copy});
        rank.all_reduce(copy);
        got[own] = floats_to_host(device, copy);
      }
      rank.barrier();
    });
    for (const std::vector<float>& each : got) EXPECT_EQ(each, expected) << count;
  }
}

TEST(Communicator, SumsNarrowValuesInF32) {
  std::vector<std::vector<float>> got(3);
  on_ranks(3, [&](Communicator& rank, Device& device) {
    const float value = rank.rank() == 0 ? 256.0f : 1.0f;  // 256 + 1 is 256 in bf16
    const Tensor wide = from_host(device, {&value, 1}, {1});
    const Tensor x(device, DataType::bf16, {1});
    device.copy({wide, x});
    rank.all_reduce(x);
    got[static_cast<size_t>(rank.rank())] = floats_to_host(device, x);
    rank.barrier();
  });
  for (const std::vector<float>& each : got) EXPECT_EQ(each, std::vector<float>{258});
}

TEST(Communicator, GathersAndBroadcasts) {
  on_ranks(3, [](Communicator& rank, Device& device) {
    const std::vector<float> own(4, static_cast<float>(rank.rank()));
    const Tensor x = from_host(device, own, {2, 2});
    const Tensor all(device, DataType::f32, {3, 2, 2});
    rank.all_gather(x, all);
    EXPECT_EQ(floats_to_host(device, all), (std::vector<float>{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}));
    rank.broadcast(x, 2);
    EXPECT_EQ(floats_to_host(device, x), std::vector<float>(4, 2.0f));
    rank.barrier();
  });
}

TEST(Communicator, ARankThatLeavesEndsTheOthers) {
  std::vector<Device*> devices(3, &cpu_device());
  std::vector<std::unique_ptr<Communicator>> ranks = make_in_process_ranks(devices);
  std::atomic<int> ended = 0;
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        const float one = 1;
        const Tensor x = from_host(cpu_device(), {&one, 1}, {1});
        try {
          ranks[i]->all_reduce(x);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::device_lost);
          ++ended;
        }
      });
    }
    ranks[2].reset();
  }
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace lectern
