// Inside of an Image, for the rest of Lectern: its picture, and the file that it is a page of.
#pragma once

#include <memory>
#include <string>

#include "lectern/image.h"

namespace lectern {

struct ImageParts {
  // A page that was made elsewhere, with what is known of it.
  static Image make(std::shared_ptr<const Picture> picture, std::string name, Page about,
                    std::shared_ptr<const PageOrigin> origin = nullptr);

  static const std::shared_ptr<const Picture>& picture(const Image& image) { return image.picture_; }
  // Null for one that is of no Document.
  static const std::shared_ptr<const PageOrigin>& origin(const Image& image) { return image.origin_; }
};

inline const std::shared_ptr<const Picture>& picture_of(const Image& image) { return ImageParts::picture(image); }
inline const std::shared_ptr<const PageOrigin>& origin_of(const Image& image) { return ImageParts::origin(image); }

}  // namespace lectern
