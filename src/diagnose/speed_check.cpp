#include "diagnose/speed_check.h"

#include <algorithm>
#include <new>

#include "core/stopwatch.h"
#include "device/device_failure.h"
#include "engine/engine.h"
#include "engine/parallel_runner.h"
#include "engine/prompts.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr double long_enough = 0.25;  // seconds; a slow device need not make all of the steps,
constexpr int64_t min_steps = 2;      // but some
constexpr int64_t warming_steps = 4;  // after which a device has seen every address that it will see

class SpeedTrial {
 public:
  SpeedTrial(const LoadedModel& on, const Picture& picture)
      : model_(on), image_(on.encoder.encode(make_views(picture, on.plan(Mode::automatic, false)))) {
    const std::vector<int32_t> ids = on.tokenizer.encode(parse_prompt("", on.description()).text);
    prompt_ = on.expand_prompt(ids, image_.sequence.shape()[0]);
  }

  void run(SpeedCheck& check) const {
    // Tokens are forced, so that no sequence ends before the others have begun, which takes some steps each.
    constexpr int64_t rows = 1024;
    const auto beginning = check.sequences * (static_cast<int64_t>(prompt_.size()) / rows + 1);
    const std::vector<int32_t> forced(static_cast<size_t>(beginning + warming_steps + check.steps), prompt_.back());
    const auto positions = static_cast<int64_t>(prompt_.size() + forced.size());
    const auto runner = make_runner(model_, check.sequences * (positions + page_slack), false);
    Engine engine(*runner, {.sequences = check.sequences, .prompt_rows = rows, .prompt_rows_beside = rows});
    for (int i = 0; i < check.sequences; ++i) {
      Request request;
      request.prompt = prompt_;
      request.image_token = model_.image_token;
      request.image = image_.sequence;
      request.max_tokens = static_cast<int64_t>(forced.size());
      request.forced = forced;
      engine.add(std::move(request));
    }
    // From the step in which the last has begun to write and all are warm, to the one in which the first ends.
    std::vector<int64_t> written(static_cast<size_t>(check.sequences));
    int64_t timed = -1;
    bool ended = false;
    Stopwatch clock;
    for (bool more = true; more && !ended;) {
      more = engine.step();
      for (const RequestEvent& event : engine.take_events()) {
        if (event.error) std::rethrow_exception(event.error);
        if (event.kind == RequestEvent::Kind::written) ++written[event.request - 1];
        ended |= event.kind == RequestEvent::Kind::finished;
      }
      model_.device.synchronize();
      if (timed >= 0) {
        check.seconds = clock.seconds();
        ++timed;
        ended |= timed >= min_steps && check.seconds > long_enough;
      } else if (*std::ranges::min_element(written) >= warming_steps) {
        clock = Stopwatch();
        timed = 0;
      }
    }
    check.steps = std::max<int64_t>(timed, 0);
  }

 private:
  static constexpr int64_t page_slack = 256;  // positions; pages of the cache are not full

  const LoadedModel& model_;
  EncodedPage image_;
  std::vector<int32_t> prompt_;
};

}  // namespace

std::vector<SpeedCheck> check_speed(const LoadedModel& model, const Picture& picture, std::span<const int> sequences,
                                    int64_t steps) {
  const SpeedTrial trial(model, picture);
  std::vector<SpeedCheck> checks;
  for (const int count : sequences) {
    SpeedCheck& check = checks.emplace_back(SpeedCheck{.sequences = count, .steps = steps});
    try {
      trial.run(check);
    } catch (const DeviceFailure&) {
      throw;
    } catch (const Error& error) {
      check.failure = error.what();
    } catch (const std::bad_alloc&) {
      check.failure = "not enough memory";
    }
  }
  return checks;
}

}  // namespace lectern
