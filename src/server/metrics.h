// Metrics of a server in Prometheus' text format. Any thread may count.
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

  // `route` is a label of the server's own, not what a client sent.
  void request(const std::string& route, int status, double seconds);
  void waited(double seconds);
  void first_token(double seconds);
  void page(const PageAnswer& answer);

  // Gauges: figures of this moment.
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

  std::mutex mutex_;  // of text(), which sets the gauges
  std::unique_ptr<Families> families_;
};

}  // namespace lectern::server
