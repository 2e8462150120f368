#include "image/orientation.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "core/quantile.h"
#include "image/ink_mask.h"
#include "image/rules.h"

namespace lectern {
namespace {

using Pieces = std::vector<InkPiece>;

constexpr size_t max_pieces = 100'000;  // more than a newspaper page has; a halftone
// Below these a page is left as it is. They are such that of 2,288 drawn pages (8 languages in 4 alphabets, capitals
// and figures; 13 fonts; small, noisy and slanted print among them) none was turned wrongly, and 97 % of the Latin ones
// were set upright.
constexpr int64_t min_letters = 30, min_heads = 20, min_marks = 10;
constexpr double side_margin = 0.25, min_sign = 0.2, min_signs = 0.8;
constexpr int none = std::numeric_limits<int>::max();

// What stands next to a piece on its right, in the same line.
struct Neighbour {
  int piece = -1;
  int gap = none;
};

// Pieces must be sorted by their left sides.
std::vector<Neighbour> right_neighbours(const Pieces& pieces) {
  std::vector<Neighbour> all(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    const InkPiece& piece = pieces[i];
    const int reach = 2 * std::max(piece.width(), piece.height());
    for (size_t j = i + 1; j < pieces.size(); ++j) {
      const InkPiece& other = pieces[j];
      const int gap = other.left - piece.right;
      if (gap > std::min(reach, all[i].gap)) break;
      const int overlap = std::min(piece.bottom, other.bottom) - std::max(piece.top, other.top);
      if (overlap * 2 < std::min(piece.height(), other.height())) continue;
      if (other.right > piece.right && gap < all[i].gap) all[i] = {static_cast<int>(j), std::max(gap, 0)};
    }
  }
  return all;
}

Pieces exchanged(Pieces pieces) {
  for (InkPiece& piece : pieces) {
    std::swap(piece.left, piece.top);
    std::swap(piece.right, piece.bottom);
  }
  std::ranges::sort(pieces, {}, &InkPiece::left);
  return pieces;
}

struct Script {
  Pieces letters;  // pieces of about the size that most have; sorted by their left sides
  Pieces marks;    // smaller ones: dots, accents, commas, specks
  int side = 0;    // longer side of the usual letter
};

Script script_of(const InkMask& mask) {
  Pieces pieces = ink_pieces(mask);
  const int speck = std::max(4, mask.longest() / 400), picture = std::max(100, mask.longest() / 8);
  std::vector<int> sides;
  for (const InkPiece& piece : pieces) {
    if (piece.longest() >= speck && piece.longest() <= picture) sides.push_back(piece.longest());
  }
  Script script;
  if (sides.empty() || pieces.size() > max_pieces) return script;
  script.side = median(std::move(sides));
  std::ranges::sort(pieces, {}, &InkPiece::left);
  for (const InkPiece& piece : pieces) {
    if (piece.longest() * 2 >= script.side && piece.longest() <= script.side * 6) {
      script.letters.push_back(piece);
    } else if (piece.longest() * 2 < script.side && piece.longest() >= 2) {
      script.marks.push_back(piece);
    }
  }
  return script;
}

struct Votes {
  int64_t no = 0, yes = 0;

  int64_t count() const { return no + yes; }
  double share() const { return count() == 0 ? 0.5 : static_cast<double>(yes) / static_cast<double>(count()); }
};

// How often a piece's neighbour below is nearer than that on the right.
Votes vote_on_side(const Script& script) {
  const Pieces& letters = script.letters;
  Votes votes;
  // The same pieces in the order of either axis.
  Pieces down = letters;
  for (size_t i = 0; i < down.size(); ++i) down[i].inner = static_cast<int>(i);
  down = exchanged(std::move(down));
  std::vector<int> gaps_below(letters.size(), none);
  const std::vector<Neighbour> below = right_neighbours(down);
  for (size_t i = 0; i < down.size(); ++i) gaps_below[static_cast<size_t>(down[i].inner)] = below[i].gap;
  const std::vector<Neighbour> beside = right_neighbours(letters);
  for (size_t i = 0; i < letters.size(); ++i) {
    if (beside[i].gap < gaps_below[i]) ++votes.no;
    if (beside[i].gap > gaps_below[i]) ++votes.yes;
  }
  // Letters that touch, as they do in small print, say it by the shape of what they make together.
  for (const InkPiece& piece : letters) {
    const int across = piece.width(), down = piece.height();
    if (std::min(across, down) * 2 < script.side) continue;
    if (across >= 3 * down) votes.no += across / down;
    if (down >= 3 * across) votes.yes += down / across;
  }
  return votes;
}

// How often two letters side by side have their heads in line but not their feet, against the other way round.
Votes vote_on_heads(const Pieces& letters) {
  Votes votes;
  const std::vector<Neighbour> neighbours = right_neighbours(letters);
  for (size_t i = 0; i < letters.size(); ++i) {
    if (neighbours[i].piece < 0) continue;
    const InkPiece &a = letters[i], &b = letters[static_cast<size_t>(neighbours[i].piece)];
    const int tall = std::max(a.height(), b.height()), small = std::min(a.height(), b.height());
    const bool touching = std::max(a.width(), b.width()) * 2 > tall * 3;  // several letters in one piece
    if (neighbours[i].gap > tall || small * 2 < tall || touching) continue;
    const int slack = std::max(1, tall / 10);
    const bool heads = std::abs(a.top - b.top) <= slack, feet = std::abs(a.bottom - b.bottom) <= slack;
    if (heads && !feet) ++votes.yes;
    if (feet && !heads) ++votes.no;
  }
  return votes;
}

// How often a mark stands close below a letter, against close above one.
Votes vote_on_marks(const Script& script) {
  Votes votes;
  int widest = 0;
  for (const InkPiece& letter : script.letters) widest = std::max(widest, letter.width());
  for (const InkPiece& mark : script.marks) {
    const int middle = (mark.left + mark.right) / 2;
    int nearest = none;
    bool below = false;
    auto letter = std::ranges::lower_bound(script.letters, middle - widest, {}, &InkPiece::left);
    for (; letter != script.letters.end() && letter->left <= middle; ++letter) {
      if (letter->right < middle || mark.longest() * 2 > letter->longest()) continue;
      const bool under = mark.top >= letter->bottom;
      const int gap = under ? mark.top - letter->bottom : letter->top - mark.bottom;
      if (gap < 0 || gap * 3 > letter->longest() || gap >= nearest) continue;
      nearest = gap;
      below = under;
    }
    if (nearest < none) ++(below ? votes.yes : votes.no);
  }
  return votes;
}

}  // namespace

Orientation detect_orientation(const Picture& page) {
  InkMask mask = find_ink(page, Ink::solid);
  if (mask.ink.empty()) return {};
  take_rules(mask, 0);
  Script script = script_of(mask);
  const Votes side = vote_on_side(script);
  const bool lies = side.share() > 0.5;
  if (lies) {
    script.letters = exchanged(std::move(script.letters));
    script.marks = exchanged(std::move(script.marks));
  }
  const Votes heads = vote_on_heads(script.letters), marks = vote_on_marks(script);
  Orientation orientation{0, side.share(), heads.share(), marks.share()};
  const double by_heads = 2 * heads.share() - 1, by_marks = 2 * marks.share() - 1;  // 1: upside down, -1: not
  const bool sure = side.count() >= min_letters && std::abs(side.share() - 0.5) >= side_margin &&
                    heads.count() >= min_heads && marks.count() >= min_marks && by_heads * by_marks > 0 &&
                    std::min(std::abs(by_heads), std::abs(by_marks)) >= min_sign &&
                    std::abs(by_heads + by_marks) >= min_signs;
  // A page whose lines run downwards has their heads on the left when a turn clockwise sets it upright.
  if (sure) orientation.turn = (lies ? 90 : 0) + (by_heads > 0 ? 180 : 0);
  return orientation;
}

Picture turned(Picture picture, int degrees) {
  if (degrees % 360 == 0) return picture;
  const bool lies = degrees % 180 != 0;
  Picture out(lies ? picture.height : picture.width, lies ? picture.width : picture.height);
  const int right = picture.width - 1, bottom = picture.height - 1;
  for (int y = 0; y < out.height; ++y) {
    uint8_t* to = out.row(y);
    for (int x = 0; x < out.width; ++x, to += 3) {
      const int from_x = degrees == 90 ? y : degrees == 180 ? right - x : right - y;
      const int from_y = degrees == 90 ? bottom - x : degrees == 180 ? bottom - y : x;
      std::copy_n(picture.row(from_y) + 3 * static_cast<size_t>(from_x), 3, to);
    }
  }
  return out;
}

}  // namespace lectern
