#include "diagnose/predicted_times.h"

#include <algorithm>
#include <array>

namespace lectern {
namespace {

double times(uint64_t count, double each) { return static_cast<double>(count) * each; }

// Of one sequence 1.21 GFLOP; of n, all weights but the experts (686 MB), the experts that they need (6 each of
// 64, 75.7 MB over all layers) and 60.6 MB of keys and values each: so 8 and 16 are, between 1 and 32, which are
// counted.
constexpr StageWork step(uint64_t hidden_copies, double bytes, double operations) {
  return {.launches = 228,
          .full_calls = 12,
          .repeated_calls = 12,
          .graph_launches = 12,
          .hidden_copies = hidden_copies,
          .uploads = 4,
          .waits = 1,
          .bytes = bytes,
          .operations = operations};
}

constexpr std::array stages = {
    PublishedStage{"encode1024",
                   {.launches = 600,
                    .full_calls = 6,
                    .repeated_calls = 30,
                    .graph_launches = 36,
                    .hidden_copies = 79,
                    .uploads = 1,
                    .bytes = 10.65e9,
                    .operations = 1.114e12}},
    PublishedStage{"tiles6",
                   {.launches = 602,
                    .full_calls = 6,
                    .repeated_calls = 32,
                    .graph_launches = 36,
                    .hidden_copies = 78,
                    .uploads = 6,
                    .waits = 4,
                    .bytes = 18.61e9,
                    .operations = 2.300e12}},
    PublishedStage{"prefill913",
                   {.launches = 230,
                    .full_calls = 12,
                    .repeated_calls = 218,
                    .hidden_copies = 11,
                    .uploads = 4,
                    .waits = 1,
                    .bytes = 8.179e9,
                    .operations = 0.7977e12}},
    PublishedStage{"step1", step(0, 1.200e9, 1.210e9)},
    PublishedStage{"step8", step(11, 4.804e9, 9.68e9)},
    PublishedStage{"step16", step(11, 6.500e9, 19.36e9)},
    PublishedStage{"step32", step(11, 7.469e9, 38.72e9)},
};

}  // namespace

double StageWork::host_ms(const CardRates& rates) const {
  return (times(full_calls, rates.full_call_us) + times(repeated_calls, rates.repeated_call_us) +
          times(graph_launches, rates.graph_launch_us) + times(uploads, rates.upload_us)) /
         1000;
}

double StageWork::card_ms(const CardRates& rates) const {
  return (times(launches + hidden_copies, rates.kernel_us) + times(ai_cpu, rates.ai_cpu_us) +
          bytes / rates.bytes_per_us + operations / rates.operations_per_us) /
         1000;
}

double StageWork::predicted_ms(const CardRates& rates) const {
  return std::max(host_ms(rates), card_ms(rates)) + times(waits, rates.wait_us) / 1000;
}

std::span<const PublishedStage> published_stages() { return stages; }

std::optional<double> predicted_ms(std::string_view stage) {
  const auto* const found = std::ranges::find(stages, stage, &PublishedStage::name);
  if (found == stages.end()) return std::nullopt;
  return found->work.predicted_ms();
}

}  // namespace lectern
