// A page turned by the small angle at which its lines are level.
#pragma once

#include "core/picture.h"

namespace lectern {

// Degrees clockwise that make the lines level, at most 5 either way; 0 where the page does not tell.
double skew_of(const Picture& page);

// The picture turned about its centre by degrees clockwise; its size stays, and corners get the tone of the paper.
Picture turned(const Picture& page, double degrees);

}  // namespace lectern
