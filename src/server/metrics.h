// What a server counts, in the form that Prometheus reads. Any thread may count.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/model_shelf.h"

namespace lectern::server {

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  // `route` is one of the server's own words, not what a client sent.
  void request(const std::string& route, int status, double seconds);
  void waited(double seconds);
  void first_token(double seconds);
  void page(const PageAnswer& answer);

  // The figures that are true now.
  struct Now {
    size_t waiting = 0, reading = 0;  // pages
    bool draining = false;
    std::vector<ModelShelf::Counts> models;
  };
  std::string text(const Now& now);
  static constexpr const char* type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Families;
  void set_models(const std::vector<ModelShelf::Counts>& models);

  std::mutex mutex_;  // of what is made of the figures that are true now
  std::unique_ptr<Families> families_;
};

}  // namespace lectern::server
