// Documents over HTTP: they are sent, read in the background, and their pages and results taken.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "server/documents/document_events.h"
#include "server/documents/document_route.h"
#include "server/documents/jobs/document_run.h"
#include "server/documents/jobs/job_queue.h"
#include "server/documents/store/data_folder.h"
#include "server/documents/store/document_store.h"
#include "server/documents/store/made_files.h"
#include "server/documents/task_queue.h"
#include "server/documents/upload.h"
#include "server/http/http.h"

namespace lectern::server {

struct DocumentLimits {
  std::filesystem::path folder;               // empty: no documents are taken
  size_t max_file_bytes = size_t{256} << 20;  // of one
  int64_t max_bytes = int64_t{16} << 30;  // of all that is kept; what was made of jobs, and the oldest jobs, give way
  std::chrono::seconds keep = std::chrono::hours(24 * 7);  // jobs that have ended
  size_t max_waiting = 1000;                               // jobs
  int max_listed = 1000;                                   // jobs in one answer
  int jobs_together = 4;
  // Before a job is tried again for which the disk had no room, or whose model could not be loaded.
  std::chrono::milliseconds pause{10'000};
  int max_model_failures = 10;  // one behind the other, about an hour; then the job fails
  int64_t max_store_pages = 0;  // of 4096 bytes, of the database; 0: as many as the disk holds
  std::function<int64_t()> now = [] { return static_cast<int64_t>(std::time(nullptr)); };  // seconds since 1970
};

class Documents {
 public:
  // Goes on with what an earlier process left. `feed` outlives it, `model` is as in DocumentPlace. Throws Error
  // where the folder cannot be used.
  Documents(DocumentLimits limits, PageFeed& feed,
            std::function<std::shared_ptr<ServedModel>(const std::string&)> model, int64_t max_pixels);
  Documents(const Documents&) = delete;
  Documents& operator=(const Documents&) = delete;
  ~Documents();

  // For the body of a request that sends one.
  std::shared_ptr<HttpForm> form(const HttpRequest& request);
  // Answers on another thread. `owner` stands for the key that was shown; empty: there are no keys.
  void handle(const std::shared_ptr<HttpExchange>& exchange, const std::string& owner);
  // Nothing is begun any more; pages that are read come to their end, unless `until` comes before. Streams end.
  void drain(std::chrono::steady_clock::time_point until);
  // Removes jobs whose time is over and, until the limit of bytes holds, what was made of jobs, then the oldest of
  // those that have ended.
  void expire();

 private:
  using Query = std::map<std::string, std::string>;

  HttpResponse answer(const HttpExchange& exchange, const DocumentRoute& route, const Query& query,
                      const std::string& owner);
  HttpResponse list(const Query& query, const std::string& owner);
  HttpResponse create(const HttpExchange& exchange, const std::string& owner);
  HttpResponse same(const DocumentJob& before, const Upload& upload) const;
  TaskQueue& queue_for(const DocumentRoute& route, const HttpRequest& request);
  HttpResponse cancel(const DocumentJob& job);
  HttpResponse remove(const DocumentJob& job);
  HttpResponse page(const DocumentJob& job, int number);
  HttpResponse picture(const DocumentJob& job, const DocumentRoute& route, const Query& query);
  HttpResponse result(const DocumentJob& job, const Query& query);
  void watch(const std::shared_ptr<HttpExchange>& exchange, const DocumentJob& job);
  DocumentJob find(const std::string& id, const std::string& owner);
  void respond(const std::shared_ptr<HttpExchange>& exchange, const DocumentRoute& route, const std::string& owner);
  RunEnd run(const JobTry& job);
  void forget(const std::string& id);
  void make_room();
  void keep_house();

  const DocumentLimits limits_;
  const DataFolder folder_;
  MadeFiles made_;
  DocumentStore store_;
  DocumentEvents events_;
  const DocumentPlace place_;
  std::atomic<int64_t> arriving_ = 0;  // bytes of uploads on their way
  std::mutex room_;                    // of making room, which one thread does
  std::mutex house_;                   // of the following
  std::condition_variable house_news_;
  bool closing_ = false;
  std::thread housekeeper_;
  JobQueue queue_;
  TaskQueue makers_;    // results and pictures
  TaskQueue uploads_;   // which may wait for their model
  TaskQueue requests_;  // the rest
};

}  // namespace lectern::server
