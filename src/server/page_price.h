// Expected cost of a page that takes long, announced before it is encoded.
#pragma once

#include <nlohmann/json.hpp>

namespace lectern::server {

struct PagePrice {
  int views = 0;       // of the page
  double seconds = 0;  // expected for encoding them; 0: unknown or negligible
};

// The member "expected" of pages, events and answers.
inline nlohmann::ordered_json price_to_json(const PagePrice& price) {
  return {{"views", price.views}, {"encode_seconds", price.seconds}};
}

}  // namespace lectern::server
