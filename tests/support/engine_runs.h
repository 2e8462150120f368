// Engines whose events are gathered by request.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace lectern::testing {

// What a request was told.
struct WrittenText {
  std::vector<int32_t> tokens;
  std::vector<float> log_probabilities;
  std::vector<std::vector<float>> logits;
  std::vector<int64_t> steps;  // tokens written after every choice
  std::vector<LoopReport> loops;
  std::vector<Finish> finishes;
  std::string error;
  size_t cut_bytes = 0;
  int started = 0;
  int encoded = 0;
  bool ended() const { return !finishes.empty() || !error.empty(); }
};

class EngineRun {
 public:
  // On a runner that outlives it.
  explicit EngineRun(ModelRunner& runner, const SchedulerLimits& limits = {}) : engine(runner, limits) {}
  // On a model, with a cache of `sequences` full contexts.
  EngineRun(Device& device, const Decoder& decoder, int sequences = 1)
      : runner_(std::make_unique<DeviceRunner>(device, decoder, nullptr, sequences * decoder.config().context)),
        engine(*runner_, {.sequences = sequences}) {}

  RequestId add(Request request, WrittenText& outcome) {
    const RequestId id = engine.add(std::move(request));
    outcomes_[id] = &outcome;
    return id;
  }

  bool step() {
    const bool more = engine.step();
    for (const RequestEvent& event : engine.take_events()) take(event, *outcomes_.at(event.request));
    return more;
  }

  // An engine that never ends is a failure, not a test that hangs.
  void run(int max_steps = 8000) {
    int steps = 0;
    while (step()) ASSERT_LT(++steps, max_steps);
  }

 private:
  static void take(const RequestEvent& event, WrittenText& outcome) {
    EXPECT_FALSE(outcome.ended()) << "an event behind the last";
    outcome.started += event.kind == RequestEvent::Kind::started;
    outcome.encoded += event.kind == RequestEvent::Kind::encoded;
    for (const Token& token : event.tokens) {
      outcome.tokens.push_back(token.id);
      outcome.log_probabilities.push_back(token.log_probability);
    }
    EXPECT_LE(static_cast<int64_t>(outcome.tokens.size()), event.written) << "a token was told and taken back";
    if (!event.logits.empty()) outcome.logits.push_back(event.logits);
    if (event.kind == RequestEvent::Kind::written) outcome.steps.push_back(event.written);
    if (event.kind == RequestEvent::Kind::loop) outcome.loops.push_back(event.loop);
    if (event.kind == RequestEvent::Kind::finished) outcome.finishes.push_back(event.finish);
    outcome.cut_bytes = event.cut_bytes;
    if (!event.error) return;
    try {
      std::rethrow_exception(event.error);
    } catch (const std::exception& error) {
      outcome.error = error.what();
    }
  }

  std::unique_ptr<ModelRunner> runner_;
  std::map<RequestId, WrittenText*> outcomes_;

 public:
  Engine engine;
};

}  // namespace lectern::testing
