#include "document/page_retry.h"

#include <utility>

#include "document/halves.h"

namespace lectern {
namespace {

constexpr int published_size = 1024;  // of the models that know tiles

}  // namespace

std::optional<RetryPlan> next_retry(int attempt, const ViewPlan& used, int native_size, const Picture& page) {
  const bool tiles = native_size == published_size;
  const ViewPlan plan = tiles ? plan_of(Mode::gundam, native_size) : used;
  std::vector<RetryPlan> retries;
  if (tiles && used.mode != Mode::gundam) retries.push_back({"tiles", plan, {{0, page.height}}});
  if (const int row = split_row(page); row > 0) retries.push_back({"halves", plan, {{0, row}, {row, page.height}}});
  if (attempt < 0 || static_cast<size_t>(attempt) >= retries.size()) return std::nullopt;
  return std::move(retries[static_cast<size_t>(attempt)]);
}

DocumentPage better_of(DocumentPage before, DocumentPage again, const std::string& action) {
  const int loops = before.guard.loops + again.guard.loops;
  const bool ended = again.finish == "end";
  const bool failed = !again.error.empty() || again.finish == "stopped";
  const bool take = ended || (!failed && again.tokens > before.tokens);
  const double encode = before.encode_seconds + again.encode_seconds;
  const double prefill = before.prefill_seconds + again.prefill_seconds;
  const double decode = before.decode_seconds + again.decode_seconds;
  DocumentPage page = take ? std::move(again) : std::move(before);
  page.guard = {.loops = loops, .recovered = ended, .action = action};
  page.encode_seconds = encode;
  page.prefill_seconds = prefill;
  page.decode_seconds = decode;
  return page;
}

}  // namespace lectern
