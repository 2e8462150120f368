// Source file of pages, for output formats that keep its contents.
#pragma once

#include <memory>
#include <string>

#include "core/unique_fd.h"

namespace lectern {

struct OriginalFile {
  UniqueFd file;
  std::string name;      // as it was named
  std::string password;  // that was typed for it
  bool is_pdf = false;
  bool can_be_kept = false;  // a PDF whose pages can go into another one as they are
  bool is_encrypted = false;
  bool is_signed = false;
};

struct PageOrigin {
  std::shared_ptr<const OriginalFile> file;  // null: not known
  int page = 0;                              // in it, from 0
};

}  // namespace lectern
