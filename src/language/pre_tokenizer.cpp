#include "language/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <new>

#include "core/utf8.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr const char* gpt2_pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr uint32_t step_limit = 50'000'000;  // of one match; a long run of blanks takes one a character
constexpr uint32_t heap_limit = 256 * 1024;  // KiB, of one match
constexpr size_t pattern_limit = 64 * 1024;  // bytes of a pattern

std::string pcre2_message(int code) {
  PCRE2_UCHAR text[160];
  const int length = pcre2_get_error_message(code, text, sizeof text);
  return length < 0 ? "PCRE2 error " + std::to_string(code) : reinterpret_cast<const char*>(text);
}

}  // namespace

// What a match needs besides its pattern.
class PreTokenizer::Matcher {
 public:
  Matcher() : data_(pcre2_match_data_create(1, nullptr)), context_(pcre2_match_context_create(nullptr)) {
    if (!data_ || !context_) throw std::bad_alloc();
    pcre2_set_match_limit(context_.get(), step_limit);
    pcre2_set_heap_limit(context_.get(), heap_limit);
  }

  // The first match at or after `from`: a result as of pcre2_match.
  int match(const pcre2_code* code, std::string_view text, size_t from) {
    const auto attempt = [&](uint32_t options) {
      return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, options, data_.get(),
                         context_.get());
    };
    const int result = attempt(PCRE2_NO_UTF_CHECK);
    // The compiled code runs on 32 KiB of stack, the interpreter on the heap.
    return result == PCRE2_ERROR_JIT_STACKLIMIT ? attempt(PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT) : result;
  }

  size_t begin() const { return pcre2_get_ovector_pointer(data_.get())[0]; }
  size_t end() const { return pcre2_get_ovector_pointer(data_.get())[1]; }

 private:
  struct Free {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  };
  std::unique_ptr<pcre2_match_data, Free> data_;
  std::unique_ptr<pcre2_match_context, Free> context_;
};

void PreTokenizer::FreePattern::operator()(pcre2_code* code) const { pcre2_code_free(code); }

PreTokenizer::PreTokenizer(const PreTokenizerSettings& settings, const std::string& file)
    : file_(file), add_prefix_space_(settings.add_prefix_space) {
  for (const SplitPattern& pattern : settings.splits) splits_.push_back(compile(pattern));
  if (settings.gpt2_split) gpt2_ = compile({gpt2_pattern, true});
}

PreTokenizer::Pattern PreTokenizer::compile(const SplitPattern& pattern) const {
  if (pattern.text.size() > pattern_limit)
    throw Error(file_ + ": pre_tokenizer: a pattern is longer than 64 KiB", ErrorCode::corrupt_input);
  const uint32_t options =
      pattern.is_regex ? PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C : PCRE2_UTF | PCRE2_LITERAL;
  int error = 0;
  size_t position = 0;
  Pattern code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.text.data()), pattern.text.size(), options, &error,
                             &position, nullptr));
  if (!code) {
    throw Error(file_ + ": pre_tokenizer: pattern " + in_quotes(pattern.text) +
                    " does not compile: " + pcre2_message(error) + " at byte " + std::to_string(position),
                ErrorCode::corrupt_input);
  }
  // Where this fails (no JIT on this processor, say) the interpreter does the same, more slowly.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

// Cuts each piece before and after every match of the pattern.
void PreTokenizer::cut(std::vector<std::string_view>& pieces, const Pattern& pattern, Matcher& matcher) const {
  std::vector<std::string_view> result;
  result.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    size_t done = 0;
    const auto cut_at = [&](size_t position) {
      if (position > done) result.push_back(piece.substr(done, position - done));
      done = position;
    };
    size_t from = 0;
    while (from < piece.size()) {
      const int found = matcher.match(pattern.get(), piece, from);
      if (found == PCRE2_ERROR_NOMATCH) break;
      if (found < 0)
        throw Error(file_ + ": pre_tokenizer: a pattern cannot be applied: " + pcre2_message(found),
                    ErrorCode::corrupt_input);
      const size_t begin = matcher.begin(), end = matcher.end();
      if (begin < from || end < begin)
        throw Error(file_ + ": pre_tokenizer: a pattern uses \\K, not supported", ErrorCode::corrupt_input);
      cut_at(begin);
      cut_at(end);
      from = end;
      if (begin == end && end < piece.size()) from += first_utf8(piece.substr(end)).length;
    }
    cut_at(piece.size());
  }
  pieces.swap(result);
}

TextPieces PreTokenizer::split(std::string_view text) const {
  TextPieces pieces;
  Matcher matcher;
  if (!text.empty()) pieces.views.push_back(text);
  for (const Pattern& pattern : splits_) cut(pieces.views, pattern, matcher);
  if (add_prefix_space_) {
    for (std::string_view& piece : pieces.views) {
      if (piece.front() != ' ') piece = pieces.spaced.emplace_back(" ").append(piece);
    }
  }
  if (gpt2_) cut(pieces.views, gpt2_, matcher);
  return pieces;
}

}  // namespace lectern
