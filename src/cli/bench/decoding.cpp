#include "cli/bench/decoding.h"

#include <span>
#include <utility>

#include "engine/parallel_runner.h"

namespace lectern::cli {
namespace {

// The caches of the sequences are one, in which each begins with a page.
int64_t whole_pages(const LoadedModel& model, int64_t positions) {
  const CacheShape shape = model.decoder.cache_shape();
  const int page = model.device.cache_format(shape.kv_heads, shape.head_size, model.format).page_tokens;
  return (positions + page - 1) / page * page;
}

// Over the ranks on the first device.
template <typename Value>
double sum_of_ranks(const LoadedModel& model, const Value& value) {
  double sum = 0;
  for (const RankModel& rank : model.ranks) {
    if (&rank.device == &model.device) sum += value(rank);
  }
  return sum;
}

}  // namespace

Decoding::Decoding(const LoadedModel& model, int sequences, int64_t position)
    : runner_(make_runner(model, sequences * whole_pages(model, position + 512), false)), prompt_(position) {
  for (int i = 0; i < sequences; ++i) {
    SequencePages pages(runner_->pages());
    pages.reserve(position + 512);
    pages_.push_back(std::move(pages));
  }
  if (position > 0) step(position);
}

void Decoding::step(int64_t rows) {
  std::vector<int32_t> ids;
  ids.reserve(pages_.size() * static_cast<size_t>(rows));
  for (size_t i = 0; i < pages_.size() * static_cast<size_t>(rows); ++i)
    ids.push_back(static_cast<int32_t>((next_ += 7919) % runner_->vocabulary()));
  Batch batch;
  for (size_t i = 0; i < pages_.size(); ++i) {
    BatchEntry& entry = batch.entries.emplace_back();
    entry.ids = std::span(ids).subspan(i * static_cast<size_t>(rows), static_cast<size_t>(rows));
    entry.position = position_;
    entry.prompt = prompt_;
    entry.pages = pages_[i].pages();
    entry.chooses = true;
  }
  batch.written = rows == 1 ? static_cast<int64_t>(ids.size()) : 0;
  runner_->step(batch);
  position_ += rows;
}

double bytes_of_step(const LoadedModel& model, int sequences, int64_t positions) {
  return sum_of_ranks(model, [&](const RankModel& rank) {
    const CacheShape shape = rank.decoder.cache_shape();
    const CacheFormat page = rank.device.cache_format(shape.kv_heads, shape.head_size, model.format);
    const double of_position = static_cast<double>(page.page_bytes) / page.page_tokens * shape.layers;
    return rank.decoder.bytes_of_step(sequences) +
           static_cast<double>(sequences) * static_cast<double>(positions) * of_position;
  });
}

double operations_of_token(const LoadedModel& model) {
  return sum_of_ranks(model, [](const RankModel& rank) { return rank.decoder.operations_of_token(); });
}

}  // namespace lectern::cli
