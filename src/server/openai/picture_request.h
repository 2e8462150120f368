// A request for the text of pictures, whatever the call: pictures of pages, what is asked of them, and how the answer
// is wanted; and the parts of its JSON that several calls have in common. All throw ApiError, naming the field, for
// what is not served.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "server/openai/json_fields.h"
#include "server/served_model.h"

namespace lectern::server {

struct RequestPicture {
  std::string param;  // where it stood, "messages[0].content[1].image_url"; its name in messages
  std::string bytes;  // of a picture file
  std::string url;    // not empty: from where it is yet to be fetched
};

struct PictureRequest {
  std::string model;  // as it was asked for; empty: the first that is served
  std::vector<RequestPicture> pictures;
  PageOptions options;  // of every page
  bool stream = false;
  bool skip_special_tokens = false;  // the marks of the model's layout, in raw text
};

// What the server says of a request before it looks at the rest of it.
struct RequestRules {
  std::function<bool(const std::string& name)> has_model;
  // Throws ApiError, naming the field, for an address that is not to be fetched. Empty: none is.
  std::function<void(const std::string& url, const std::string& param)> check_url;
};

[[noreturn]] void refuse_field(const std::string& param, const std::string& problem, const std::string& code);

// What the messages of a request hold.
class Conversation {
 public:
  explicit Conversation(const RequestRules& rules) : rules_(rules) {}

  // Only the last message may hold text.
  void begin_message() const;
  void add_text(const std::string& text, const std::string& param);
  // A data URL, or an address.
  void add_picture(const std::string& url, const std::string& param);
  // Hands all over; `param` is the field of the messages.
  void take(PictureRequest& request, const std::string& param);

 private:
  const RequestRules& rules_;
  std::vector<RequestPicture> pictures_;
  std::string text_;        // of the last message
  std::string text_param_;  // where text stood
};

// The messages of a request, in the field `param`, each by `read`.
using ReadMessage = void(JsonFields& message, Conversation& conversation);
void read_messages(const nlohmann::json* messages, const std::string& param, const RequestRules& rules,
                   ReadMessage* read, PictureRequest& request);
// Throws for a model that is not there, before anything else is looked at.
std::string read_model(JsonFields& fields, const RequestRules& rules);
// "auto", "low" or "high": how finely a page is shown is the mode's affair.
void read_detail(JsonFields& picture);
// "user": the model knows no others.
void read_role(JsonFields& message);
// What a message holds: a string, or parts, of which each kind of call has its own.
using ReadPart = void(const nlohmann::json& part, const std::string& param, Conversation& conversation);
void read_content(JsonFields& message, Conversation& conversation, ReadPart* read_part);
// temperature and top_p. A seed is drawn where none was given and one matters.
void read_sampling(JsonFields& fields, const std::optional<int64_t>& seed, PageOptions& options);
// The tokens of a page, 0 where the field lacks.
int64_t read_token_limit(JsonFields& fields, const std::string& name);
// {"type": "text"} or nothing.
void read_text_format(const nlohmann::json* format, const std::string& param);
// What clients say of themselves, which changes nothing; and "store", which must not be true.
void read_labels(JsonFields& fields);
// "lectern": {"text", "mode", "max_tiles", "pages_together"}.
void read_own(JsonFields& fields, PageOptions& options);

}  // namespace lectern::server
