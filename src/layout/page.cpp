// What the public Page tells of itself.
#include "lectern/page.h"

#include "layout/labels.h"
#include "layout/text/block_text.h"

namespace lectern {

BlockKind Block::kind() const { return kind_of(label); }

PageStats& PageStats::operator+=(const PageStats& other) {
  vision_tokens += other.vision_tokens;
  prompt_tokens += other.prompt_tokens;
  tokens += other.tokens;
  render_seconds += other.render_seconds;
  encode_seconds += other.encode_seconds;
  prefill_seconds += other.prefill_seconds;
  decode_seconds += other.decode_seconds;
  return *this;
}

std::string Page::text() const {
  std::string text;
  for (const Block& block : blocks) {
    const std::string more = plain_text(block);
    if (more.empty()) continue;
    text += (text.empty() ? "" : "\n\n") + more;
  }
  return text;
}

}  // namespace lectern
