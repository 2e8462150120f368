#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace lectern::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

// Seconds. A page takes from a tenth of one on a card to minutes on a small machine.
const Histogram::BucketBoundaries seconds = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};
const Histogram::BucketBoundaries token_seconds = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1};

Family<Counter>& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Gauge& gauge(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}
Histogram& histogram(Registry& registry, const char* name, const char* help,
                     const Histogram::BucketBoundaries& bounds = seconds) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, bounds);
}

}  // namespace

struct Metrics::Families {
  Registry registry;
  Family<Counter>& requests = counters(registry, "lectern_requests_total", "Requests answered, by route and status");
  Family<Counter>& pages = counters(registry, "lectern_pages_total", "Pages read, by why they ended");
  Family<Counter>& tokens =
      counters(registry, "lectern_tokens_total", "Tokens read from prompts and pictures, and written");
  Family<Counter>& warnings = counters(registry, "lectern_page_warnings_total", "Warnings of pages, by code");
  Gauge& waiting = gauge(registry, "lectern_pages_waiting", "Pages that wait for the model");
  Gauge& reading = gauge(registry, "lectern_pages_reading", "Pages that the model has in hand");
  Gauge& draining = gauge(registry, "lectern_draining", "1 while the server ends");
  Histogram& request_seconds =
      histogram(registry, "lectern_request_seconds", "From the headers to the end of the answer");
  Histogram& wait_seconds = histogram(registry, "lectern_page_wait_seconds", "That a page waited for the model");
  Histogram& encode_seconds =
      histogram(registry, "lectern_page_encode_seconds", "That the picture of a page was encoded");
  Histogram& prefill_seconds =
      histogram(registry, "lectern_page_prefill_seconds", "From there to the first token of a page");
  Histogram& page_seconds = histogram(registry, "lectern_page_seconds", "That a page was read, without waiting");
  Histogram& token_seconds_each =
      histogram(registry, "lectern_token_seconds", "Between two tokens of a page, on average", token_seconds);
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::request(const std::string& route, int status, double seconds) {
  families_->requests.Add({{"route", route}, {"status", std::to_string(status)}}).Increment();
  families_->request_seconds.Observe(seconds);
}

void Metrics::waited(double seconds) { families_->wait_seconds.Observe(seconds); }

void Metrics::page(const PageAnswer& answer) {
  Families& all = *families_;
  all.pages.Add({{"finish", answer.finish}}).Increment();
  all.tokens.Add({{"kind", "prompt"}}).Increment(static_cast<double>(answer.prompt_tokens));
  all.tokens.Add({{"kind", "written"}}).Increment(static_cast<double>(answer.tokens));
  for (const PageWarning& warning : answer.warnings) all.warnings.Add({{"code", warning.code}}).Increment();
  all.encode_seconds.Observe(answer.encode_seconds);
  all.prefill_seconds.Observe(answer.prefill_seconds);
  all.page_seconds.Observe(answer.encode_seconds + answer.prefill_seconds + answer.decode_seconds);
  if (answer.tokens > 1) all.token_seconds_each.Observe(answer.decode_seconds / static_cast<double>(answer.tokens - 1));
}

std::string Metrics::text(const Now& now) const {
  families_->waiting.Set(static_cast<double>(now.waiting));
  families_->reading.Set(static_cast<double>(now.reading));
  families_->draining.Set(now.draining ? 1 : 0);
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace lectern::server
