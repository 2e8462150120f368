// Request for the text of pictures, common to all calls: pictures, options and the form of the answer, and parsers for
// the parts of its JSON that several calls share. All throw ApiError, naming the field, for what is not supported.
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
  std::string param;  // its field, "messages[0].content[1].image_url", which names it in errors
  std::string bytes;  // of a picture file
  std::string url;    // from which it is still to be fetched; empty: it is there
};

struct PictureRequest {
  std::string model;  // as asked for; empty: the first model of the server
  std::vector<RequestPicture> pictures;
  PageOptions options;  // of every page
  bool stream = false;
  bool skip_special_tokens = false;  // of the layout, in raw text
};

// Checks by the server while a request is parsed.
struct RequestRules {
  std::function<bool(const std::string& name)> has_model;
  // Throws ApiError, naming the field, for an address that must not be fetched. Empty: nothing is fetched.
  std::function<void(const std::string& url, const std::string& param)> check_url;
};

// Collector of the texts and pictures in the messages of a request.
class Conversation {
 public:
  explicit Conversation(const RequestRules& rules) : rules_(rules) {}

  // Only the last message may hold text.
  void begin_message() const;
  void add_text(const std::string& text, const std::string& param);
  // A data URL, or an address.
  void add_picture(const std::string& url, const std::string& param);
  // Moves everything into `request`; `param` is the field of the messages.
  void take(PictureRequest& request, const std::string& param);

 private:
  const RequestRules& rules_;
  std::vector<RequestPicture> pictures_;
  std::string text_;        // of the last message
  std::string text_param_;  // its field
};

// Reads the messages of a request, in the field `param`, each by `read`.
using ReadMessage = void(JsonFields& message, Conversation& conversation);
void read_messages(const nlohmann::json* messages, const std::string& param, const RequestRules& rules,
                   ReadMessage* read, PictureRequest& request);
// Throws for an unknown model, before other fields are checked.
std::string read_model(JsonFields& fields, const RequestRules& rules);
// Accepts "auto", "low" and "high", and ignores them: the mode decides how finely a page is shown.
void read_detail(JsonFields& picture);
// Accepts only "user": the model knows no other roles.
void read_role(JsonFields& message);
// Reads the content of a message: a string, or parts, whose form depends on the call.
using ReadPart = void(const nlohmann::json& part, const std::string& param, Conversation& conversation);
void read_content(JsonFields& message, Conversation& conversation, ReadPart* read_part);
// Reads temperature and top_p. Draws a seed if none was given and sampling needs one.
void read_sampling(JsonFields& fields, const std::optional<int64_t>& seed, PageOptions& options);
// Maximum tokens of a page; 0 if the field is missing.
int64_t read_token_limit(JsonFields& fields, const std::string& name);
// Accepts {"type": "text"} or nothing.
void read_text_format(const nlohmann::json* format, const std::string& param);
// Accepts and ignores what clients say of themselves; refuses "store": true.
void read_labels(JsonFields& fields);
// Reads Lectern's own options: "lectern": {"text", "mode", "max_tiles", "pages_together"}.
void read_own(JsonFields& fields, PageOptions& options);

}  // namespace lectern::server
