// Form of the answer to one request: whole, or as server-sent events. One object for each answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/openai/api_error.h"
#include "server/served_model.h"

namespace lectern::server {

// Everything that was read: at least one page, in order.
struct WholeAnswer {
  std::string text;  // of all pages or sequences, separated as raw pages are
  std::vector<PageAnswer> pages;
};

class AnswerForm {
 public:
  virtual ~AnswerForm() = default;
  // Body of a whole answer.
  virtual std::string whole(const WholeAnswer& answer) = 0;
  // Events as they are sent: the beginning of a stream, more text, and its end or failure.
  virtual std::string begin() = 0;
  virtual std::string text(std::string_view more) = 0;
  virtual std::string end(const WholeAnswer& answer) = 0;
  // Event with the expected cost of a picture, given by its index in the request.
  virtual std::string price(size_t picture, const PagePrice& price) = 0;
  virtual std::string failure(const ApiError& error) = 0;
};

// Finish of the whole: that of the first incomplete page, else of the last page.
std::string finish_of(const std::vector<PageAnswer>& pages);
// Whether no text is missing ("stop"): the model came to its end or to a stop string.
bool is_complete(std::string_view finish);

}  // namespace lectern::server
