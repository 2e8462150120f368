// In which form the pages of one request are answered: whole, or as server-sent events. An object serves one answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/openai/api_error.h"
#include "server/served_model.h"

namespace lectern::server {

// All that was read. There is one page at least; the pages are in order.
struct WholeAnswer {
  std::string text;  // of all of them, the pages or the sequences parted as raw pages are
  std::vector<PageAnswer> pages;
};

class AnswerForm {
 public:
  virtual ~AnswerForm() = default;
  // The body of an answer.
  virtual std::string whole(const WholeAnswer& answer) = 0;
  // Events, as they are sent: what begins a stream, more text, and its end, whole or by a failure.
  virtual std::string begin() = 0;
  virtual std::string text(std::string_view more) = 0;
  virtual std::string end(const WholeAnswer& answer) = 0;
  // What is to be expected of a picture, counted among those of the request.
  virtual std::string price(size_t picture, const PagePrice& price) = 0;
  virtual std::string failure(const ApiError& error) = 0;
};

// Why the whole ended: as the first page that is not complete, or as the last.
std::string finish_of(const std::vector<PageAnswer>& pages);
// Whether that is "stop": the model came to its end, or to a string that it was to stop at. Else text is missing.
bool is_complete(std::string_view finish);

}  // namespace lectern::server
