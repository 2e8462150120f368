// What a page takes that takes long, said before it is paid.
#pragma once

#include <nlohmann/json.hpp>

namespace lectern::server {

struct PagePrice {
  int views = 0;       // that the page is looked at in,
  double seconds = 0;  // and about how long that takes; 0: not known, or not worth telling
};

// "expected" of pages, events and answers.
inline nlohmann::ordered_json price_to_json(const PagePrice& price) {
  return {{"views", price.views}, {"encode_seconds", price.seconds}};
}

}  // namespace lectern::server
