// A product's part of the exchange's state, but for a game that it is in (games.h).
#pragma once

#include "engine/core/product.h"
#include "engine/core/registry.h"
#include "engine/core/state_bytes.h"

namespace engine {

// Everything that decides what later commands come to: no memory layout, no slot numbers, nothing
// of what is only told. Cost: O(orders of the book).
void SaveProduct(Product& product, BookMemory& memory, StateWriter& out);

// Requires: as ProductTable::Load() left it; `terms.party_of` is set.
// Cost: O(orders of the book); O(levels of the band) for a continuous market.
void LoadProduct(StateReader& in, Product& product, BookMemory& memory, const Registry& registry,
                 BookTerms terms);

}  // namespace engine
