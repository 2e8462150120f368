#include "diagnose/page_check.h"

#include <algorithm>

#include "core/stopwatch.h"
#include "device/host_values.h"
#include "diagnose/operator_check.h"
#include "engine/engine.h"
#include "engine/parallel_runner.h"
#include "engine/prompts.h"

namespace lectern {
namespace {

std::vector<float> values_of(const LoadedModel& model, const Tensor& tensor) {
  return tensor ? floats_to_host(model.device, tensor) : std::vector<float>();
}

struct Written {
  std::vector<int32_t> tokens;
  std::vector<float> logits;
  double prefill_seconds = 0, decode_seconds = 0;
};

struct CheckedPage {
  CheckedPage(const LoadedModel& on, const Picture& picture) : model(on) {
    const Views views = make_views(picture, model.plan(Mode::automatic, false));
    model.encoder.encode(views);  // warms up: memory is taken, kernels are made
    const Stopwatch clock;
    encoded = model.encoder.encode(views, true);
    sequence = values_of(model, encoded.sequence);
    encode_seconds = clock.seconds();
    const std::vector<int32_t> ids = model.tokenizer.encode(parse_prompt("", model.description()).text);
    prompt = model.expand_prompt(ids, encoded.sequence.shape()[0]);
  }

  Written write(const std::vector<int32_t>& forced, int64_t max_tokens) const {
    Written written;
    Request request;
    request.prompt = prompt;
    request.image_token = model.image_token;
    request.image = encoded.sequence;
    request.max_tokens = max_tokens;
    request.forced = forced;
    request.logits = true;
    const Stopwatch clock;
    const auto runner = make_runner(model, model.decoder.config().context, false);
    Engine engine(*runner);
    engine.add(std::move(request));
    for (bool more = true; more;) {
      more = engine.step();
      for (const RequestEvent& event : engine.take_events()) {
        if (event.error) std::rethrow_exception(event.error);
        if (!event.logits.empty() && written.logits.empty()) written.prefill_seconds = clock.seconds();
        written.logits.insert(written.logits.end(), event.logits.begin(), event.logits.end());
        for (const Token& token : event.tokens) written.tokens.push_back(token.id);
      }
    }
    written.decode_seconds = clock.seconds() - written.prefill_seconds;
    return written;
  }

  std::string text(const Written& written) const {
    TextStream stream(model.tokenizer, true);
    std::string text;
    for (const int32_t token : written.tokens) text += stream.push(token);
    return text + stream.finish();
  }

  const LoadedModel& model;
  EncodedPage encoded;
  std::vector<float> sequence;
  std::vector<int32_t> prompt;
  double encode_seconds = 0;
};

}  // namespace

bool PageCheck::passed() const {
  return (!tokens_must_equal || text == reference_text) &&
         std::ranges::all_of(stages, [&](const StageCheck& stage) { return stage.error <= max_error; });
}

PageCheck check_page(const LoadedModel& model, const LoadedModel& reference, const Picture& picture,
                     int64_t max_tokens) {
  const CheckedPage page(model, picture);
  const CheckedPage expected(reference, picture);
  PageCheck check;
  const ComputeTypes types = model.device.compute_types(model.format);
  check.tokens_must_equal =
      model.format == WeightFormat::f32 && types.encoder == DataType::f32 && types.decoder == DataType::f32;
  check.max_error = check.tokens_must_equal ? 1e-4 : 3e-2;
  const auto compare = [&](const std::string& name, std::span<const float> got, std::span<const float> wanted) {
    if (!wanted.empty()) check.stages.push_back({name, relative_error(got, wanted)});
  };
  const auto compare_stages = [&](const VisionStages& got, const VisionStages& wanted, const std::string& of) {
    for (size_t i = 0; i < wanted.size(); ++i)
      compare(wanted[i].name + of, values_of(model, got[i].values), values_of(reference, wanted[i].values));
  };
  compare_stages(page.encoded.whole, expected.encoded.whole, "");
  compare_stages(page.encoded.tiles, expected.encoded.tiles, " of tiles");
  compare("image sequence", page.sequence, expected.sequence);

  page.write({}, 2);  // warms up the decoder
  const Written wanted = expected.write({}, max_tokens);
  const Written written = page.write({}, max_tokens);
  if (!wanted.tokens.empty()) {
    const auto count = static_cast<int64_t>(wanted.tokens.size());
    compare("logits", page.write(wanted.tokens, count).logits, expected.write(wanted.tokens, count).logits);
  }
  check.text = page.text(written);
  check.reference_text = expected.text(wanted);
  check.prompt_tokens = static_cast<int64_t>(page.prompt.size());
  check.tokens = static_cast<int64_t>(written.tokens.size());
  check.equal_tokens = std::ranges::mismatch(written.tokens, wanted.tokens).in1 - written.tokens.begin();
  check.encode_seconds = page.encode_seconds;
  check.prefill_seconds = written.prefill_seconds;
  check.decode_seconds = written.decode_seconds;
  check.reference_encode_seconds = expected.encode_seconds;
  check.reference_prefill_seconds = wanted.prefill_seconds;
  check.reference_decode_seconds = wanted.decode_seconds;
  return check;
}

}  // namespace lectern
