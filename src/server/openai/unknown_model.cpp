#include "server/openai/unknown_model.h"

#include <fmt/format.h>

#include "core/utf8.h"

namespace lectern::server {

ApiError unknown_model(std::string name) {
  for (size_t at = 0; (at = name.find('\0', at)) != std::string::npos;) name.replace(at, 1, replacement_character);
  return {404, fmt::format("model: there is no '{}' here; GET /v1/models lists those that are", name), "model",
          "model_not_found"};
}

}  // namespace lectern::server
