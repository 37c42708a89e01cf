// A product's part of the state's digest.
#pragma once

#include "engine/core/digest.h"
#include "engine/core/product.h"
#include "engine/core/registry.h"

namespace engine {

// Everything that decides what later commands come to, in canonical form: no memory layout, no slot
// numbers. Cost: O(orders of the book).
void AddProduct(Product& product, BookMemory& memory, const Registry& registry, Digest& digest);

}  // namespace engine
