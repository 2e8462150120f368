// Documents over HTTP: clients upload them, they are read in the background, and clients fetch pages and results.
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
  std::filesystem::path folder;               // empty: documents are not accepted
  size_t max_file_bytes = size_t{256} << 20;  // of an upload
  int64_t max_bytes = int64_t{16} << 30;      // of all that is kept; beyond it results and the oldest jobs are removed
  std::chrono::seconds keep = std::chrono::hours(24 * 7);  // how long, after the end of a job
  size_t max_waiting = 1000;                               // jobs
  int max_listed = 1000;                                   // jobs in one answer
  int jobs_together = 4;
  // Before another try of a job for which the disk was full or whose model could not be loaded.
  std::chrono::milliseconds pause{10'000};
  int max_model_failures = 10;  // in a row, about an hour; then the job fails
  int64_t max_store_pages = 0;  // of the database, 4096 bytes each; 0: as many as the disk holds
  std::function<int64_t()> now = [] { return static_cast<int64_t>(std::time(nullptr)); };  // seconds since 1970
};

class Documents {
 public:
  // Resumes the jobs that an earlier process left. `feed` must outlive it; `model` as in DocumentPlace. Throws Error if
  // the folder cannot be used.
  Documents(DocumentLimits limits, PageFeed& feed,
            std::function<std::shared_ptr<ServedModel>(const std::string&)> model, int64_t max_pixels);
  Documents(const Documents&) = delete;
  Documents& operator=(const Documents&) = delete;
  ~Documents();

  // The form for the body of an upload.
  std::shared_ptr<HttpForm> form(const HttpRequest& request);
  // Answers on another thread. `owner` stands for the client's key (ApiKeys::owner); empty: there are no keys.
  void handle(const std::shared_ptr<HttpExchange>& exchange, const std::string& owner);
  // Begins nothing more; waits until `until` for the pages that are being read. Ends streams.
  void drain(std::chrono::steady_clock::time_point until);
  // Removes expired jobs and, while the limit of bytes is exceeded, results, then the oldest ended jobs.
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
  std::atomic<int64_t> arriving_ = 0;  // bytes of unfinished uploads
  std::mutex room_;                    // of make_room(), for one thread at a time
  std::mutex house_;                   // of the following
  std::condition_variable house_news_;
  bool closing_ = false;
  std::thread housekeeper_;
  JobQueue queue_;
  TaskQueue makers_;    // results and pictures
  TaskQueue uploads_;   // may wait for their model
  TaskQueue requests_;  // the rest
};

}  // namespace lectern::server
