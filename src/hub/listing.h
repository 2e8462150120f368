// The hub's list of a model's files, and which of them Lectern needs. The list is untrusted and checked before use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/digest.h"
#include "hub/model_name.h"

namespace lectern::hub {

struct ListedFile {
  std::string name;  // without folders
  int64_t size = 0;
  DigestKind kind = DigestKind::sha256;
  std::string digest;  // lower-case hexadecimal digits
};

struct Listing {
  std::string commit;
  std::string licence;            // as the model's card names it: "mit"; empty where it does not
  std::vector<ListedFile> files;  // those that are needed: the small ones first
  int64_t bytes() const;
};

inline constexpr size_t max_listing_bytes = size_t{16} << 20;

// `text` is the answer to GET /api/models/OWNER/NAME/revision/REVISION?blobs=true. Throws Error for an unsafe or
// incomplete listing, and for a model that Lectern cannot use.
Listing parse_listing(std::string_view text, const ModelName& name);

}  // namespace lectern::hub
