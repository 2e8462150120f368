#include "input/first_page.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "core/picture.h"
#include "input/image_parts.h"
#include "input/page_source.h"

namespace lectern {

Image first_page(InputFile file, std::string name, const PictureLimits& limits) {
  SourceOptions options;
  options.limits = limits;
  const std::unique_ptr<PageSource> source = open_picture(std::move(file), options);
  SourcePage page = source->page(0);
  Page about;
  about.number = 1;
  about.dpi = page.dpi;
  about.turn = page.turn;
  std::vector<Warning>& warnings = about.warnings;
  warnings = source->warnings();
  warnings.insert(warnings.end(), page.warnings.begin(), page.warnings.end());
  if (source->pages() > 1) {
    warnings.push_back({WarningCode::not_read, fmt::format("1 of {} pages was read", source->pages()), std::nullopt});
  }
  return ImageParts::make(std::make_shared<const Picture>(std::move(page.picture)), std::move(name), std::move(about));
}

}  // namespace lectern
