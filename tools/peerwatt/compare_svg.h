// A round's demand and supply as a picture, with where each rule ends in it.
#pragma once

#include <ostream>

#include "tools/peerwatt/compare.h"

namespace tools {

// Requires: the comparison was made with a chosen product. Ensures: an SVG document; without an
// order in the product it says so in the picture.
void DrawRound(const Comparison& comparison, const std::string& title, std::ostream& out);

}  // namespace tools
