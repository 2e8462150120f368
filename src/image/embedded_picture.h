// The data of a picture file where a PDF can carry it as it is: JPEG, and PNG without transparency and interlacing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lectern {

struct EmbeddedPicture {
  enum class Kind : uint8_t { jpeg, png };
  struct Piece {
    int64_t offset = 0;  // in the file
    int64_t bytes = 0;
  };
  Kind kind = Kind::jpeg;
  int width = 0;  // as stored
  int height = 0;
  int bits = 8;           // of a sample
  int samples = 3;        // of a pixel: 1 grey or from the palette, 3 RGB, 4 CMYK
  bool inverted = false;  // CMYK as Adobe stores it
  std::string palette;    // of PNG: RGB, RGB, ...; empty where there is none
  int orientation = 1;    // of EXIF
  std::vector<Piece> pieces;
};

// Reads the headers of an open file, not its pixels. nullopt if the picture must be encoded again for a PDF.
std::optional<EmbeddedPicture> embedded_picture(int file);

// [a b c d e f], as in PDF: the picture as stored, in a square of 1, to where it stands in a square of 1 when it is
// shown: after its orientation and then `turn` degrees clockwise.
std::array<double, 6> shown_picture(int orientation, int turn);

}  // namespace lectern
