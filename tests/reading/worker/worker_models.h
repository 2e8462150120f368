// Models in processes of the real program. The model is the mini one of the goldens: small, with random weights, so
// that it writes nonsense for as long as it may.
#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/temp_folder.h"
#include "input/image_parts.h"
#include "lectern/image.h"
#include "reading/model_parts.h"
#include "reading/page_readers.h"
#include "reading/page_workers.h"
#include "reading/worker/worker_model.h"
#include "support/mini_model.h"

namespace lectern::testing {

inline const std::filesystem::path page_pictures = std::filesystem::path(TEST_DATA) / "goldens/images";
inline const std::vector<std::string> picture_names = {"banner.png", "noise.png", "receipt.png"};

// Signals the process of the model, if there is one: the number of one that is gone would mean all.
inline void send_to(const Model& model, int signal) {
  if (const pid_t process = worker_of(model)->process(); process > 0) ::kill(process, signal);
}

inline ReadOptions few_tokens() {
  ReadOptions options;
  options.mode = Mode::tiny;
  options.max_tokens = 40;
  options.logprobs = true;
  return options;
}

inline const Model& here() {
  static const Model model = Model::load(mini_folder);
  return model;
}

inline Model there(const std::string& device = "cpu") {
  return here().on({.device = device, .worker = LECTERN_BINARY});
}

// Pages of different pictures, by their numbers.
inline PageTask task_of(size_t number) {
  PageTask task;
  task.job.ticket = number;
  task.name = "page " + std::to_string(number);
  task.job.page.number = static_cast<int>(number);
  task.job.picture = picture_of(Image::from_file(page_pictures / picture_names[number % picture_names.size()]));
  return task;
}

inline void expect_equal(const std::map<size_t, Page>& got, const std::map<size_t, Page>& expected) {
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

class WorkerModelTest : public ::testing::Test {
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
    const std::filesystem::path file = folder.write("program", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }

  TempFolder folder;
  std::mutex mutex;
  std::map<size_t, Page> pages;
  std::vector<std::string> lost;
  std::function<void()> on_lost;
};

}  // namespace lectern::testing
