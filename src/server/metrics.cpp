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

// Buckets in seconds. A page takes from 0.1 s on a card to minutes on a small machine.
const Histogram::BucketBoundaries seconds = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};
const Histogram::BucketBoundaries token_seconds = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1};

Family<Counter>& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Family<Gauge>& gauges(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
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
  Family<Counter>& loops = counters(registry, "lectern_loops_total", "Repetitions of the model that were dropped");
  Family<Counter>& retries = counters(registry, "lectern_page_retries_total", "Pages read in another way, by which");
  Family<Counter>& loads = counters(registry, "lectern_model_loads_total", "That a model was loaded");
  Family<Counter>& drops = counters(registry, "lectern_model_drops_total", "That a model was dropped");
  Family<Counter>& preemptions =
      counters(registry, "lectern_preemptions_total", "Texts that gave their place in the KV cache to older ones");
  Family<Gauge>& loaded = gauges(registry, "lectern_model_loaded", "1 while the model is in memory");
  Family<Gauge>& pages_in_hand = gauges(registry, "lectern_batch_pages", "Pages that the model reads together now");
  Family<Gauge>& sequences = gauges(registry, "lectern_batch_sequences", "Texts that the model writes together now");
  Family<Gauge>& cache_tokens = gauges(registry, "lectern_kv_cache_tokens", "Tokens that the KV cache holds at most");
  Family<Gauge>& cache_used = gauges(registry, "lectern_kv_cache_used_tokens", "Tokens that the KV cache holds now");
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
  Histogram& first_token_seconds =
      histogram(registry, "lectern_first_token_seconds", "From the arrival of a page to its first token");
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

void Metrics::first_token(double seconds) { families_->first_token_seconds.Observe(seconds); }

void Metrics::page(const PageAnswer& answer) {
  Families& all = *families_;
  all.pages.Add({{"finish", answer.finish}}).Increment();
  all.tokens.Add({{"kind", "prompt"}}).Increment(static_cast<double>(answer.prompt_tokens));
  all.tokens.Add({{"kind", "written"}}).Increment(static_cast<double>(answer.tokens));
  for (const PageWarning& warning : answer.warnings) all.warnings.Add({{"code", warning.code}}).Increment();
  if (answer.loops > 0) all.loops.Add({}).Increment(static_cast<double>(answer.loops));
  if (answer.retry != "none") all.retries.Add({{"how", answer.retry}}).Increment();
  all.encode_seconds.Observe(answer.encode_seconds);
  all.prefill_seconds.Observe(answer.prefill_seconds);
  all.page_seconds.Observe(answer.encode_seconds + answer.prefill_seconds + answer.decode_seconds);
  if (answer.tokens > 1) all.token_seconds_each.Observe(answer.decode_seconds / static_cast<double>(answer.tokens - 1));
}

void Metrics::set_models(const std::vector<ModelShelf::Counts>& models) {
  Families& all = *families_;
  for (const ModelShelf::Counts& model : models) {
    const prometheus::Labels label = {{"model", model.name}};
    const auto count = [&](Family<Counter>& family, int64_t so_far) {
      Counter& counter = family.Add(label);
      counter.Increment(static_cast<double>(so_far) - counter.Value());
    };
    count(all.loads, model.loads);
    count(all.drops, model.drops);
    count(all.preemptions, model.load.preemptions);
    all.loaded.Add(label).Set(model.loaded ? 1 : 0);
    all.pages_in_hand.Add(label).Set(static_cast<double>(model.load.pages));
    all.sequences.Add(label).Set(static_cast<double>(model.load.sequences));
    all.cache_tokens.Add(label).Set(static_cast<double>(model.load.cache_positions));
    all.cache_used.Add(label).Set(static_cast<double>(model.load.cache_used));
  }
}

std::string Metrics::text(const Now& now) {
  const std::lock_guard lock(mutex_);
  set_models(now.models);
  families_->waiting.Set(static_cast<double>(now.waiting));
  families_->reading.Set(static_cast<double>(now.reading));
  families_->draining.Set(now.draining ? 1 : 0);
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace lectern::server
