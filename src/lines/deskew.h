// Deskewing: turning a page by the small angle that makes its lines level.
#pragma once

#include "core/picture.h"

namespace lectern {

// Degrees clockwise that make the lines level, at most 5 either way; 0 if the page does not show an angle.
double skew_of(const Picture& page);

// The picture turned about its centre by degrees clockwise; the size stays, and corners get the tone of the paper.
Picture turned(const Picture& page, double degrees);

}  // namespace lectern
