// The engine: requests come and leave at any step, each with options of its own; all of them take every step together.
//
//   RequestId id = engine.add(std::move(request));
//   while (engine.step()) {
//     for (RequestEvent& event : engine.take_events()) ...
//   }
//
// One thread uses it. What a request writes does not depend on the others.
#pragma once

#include <utility>
#include <vector>

#include "engine/scheduler.h"

namespace lectern {

class Engine {
 public:
  // `runner` must outlive it.
  Engine(ModelRunner& runner, const SchedulerLimits& limits = {});

  // Throws Error when the prompt does not fit the context or holds an id outside the vocabulary.
  RequestId add(Request request);
  // Ends the request at the next step with what it has written; ignored for one that is no longer in flight.
  void cancel(RequestId id);

  // Runs one step; false when no request is left. An exception concerns all requests: call clear() then.
  bool step();
  // Events since the last call, in order.
  std::vector<RequestEvent> take_events() { return std::exchange(events_, {}); }

  // Drops every request, without an event.
  void clear();

  int64_t preemptions() const { return scheduler_.preemptions(); }

 private:
  void end_cancelled();
  void start_admitted();
  void encode(Sequence& sequence, bool alone);
  void run(const StepPlan& plan);
  void choose(Sequence& sequence, const NextToken& next);
  RequestEvent& tell(const Sequence& sequence, RequestEvent::Kind kind);
  void finish(Sequence& sequence, Finish reason);
  void fail(Sequence& sequence, std::exception_ptr error);

  ModelRunner& runner_;
  Scheduler scheduler_;
  RequestId last_id_ = 0;
  std::vector<RequestEvent> events_;
};

}  // namespace lectern
