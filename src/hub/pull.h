// Downloads a model from a hub into the store: resumes interrupted downloads, verifies every byte, and gives the model
// its name only when it is complete.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "hub/model_name.h"

namespace lectern::hub {

struct PullOptions {
  ModelName name = deepseek_ocr;
  std::string endpoint;  // "https://HOST", where /api/models and /OWNER/NAME/resolve are
  std::string token;     // sent to the endpoint alone; may be empty
  std::filesystem::path store;
  std::filesystem::path shared_cache;     // of Hugging Face's tools; empty: not looked into
  int attempts = 6;                       // in a row without progress, before it gives up
  int unreachable_attempts = 3;           // the same while no server has ever answered: there may be no network
  std::chrono::milliseconds pause{1000};  // before the second attempt, and twice as long before each further
  std::chrono::seconds stall{60};         // without a byte, after which a connection counts as broken
};

struct PullProgress {
  std::string file;
  int64_t done = 0;    // bytes of all files, those found from before included
  int64_t total = 0;   // bytes of all files
  int64_t loaded = 0;  // bytes that came over the network in this pull
};

// Called on the thread that pulls. All may be empty.
struct PullEvents {
  std::function<void(const PullProgress&)> progress;
  std::function<void(const std::string&)> note;  // for people: a file is done, a connection broke
  std::stop_token stop;
};

struct Pulled {
  std::filesystem::path folder;
  std::string commit;
  bool was_there = false;
};

// Throws Error, and Stopped after a request to stop; in both cases the next pull resumes from the bytes so far.
Pulled pull(const PullOptions& options, const PullEvents& events);

}  // namespace lectern::hub
