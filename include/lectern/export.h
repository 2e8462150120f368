// LECTERN_EXPORT marks what a shared library shows of itself; everything else is hidden.
#pragma once

#define LECTERN_EXPORT __attribute__((visibility("default")))
