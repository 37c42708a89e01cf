// A queue in one growing array that is reused: no allocation once it has been as long before.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "engine/core/check.h"

namespace engine {

template <typename Item>
class Fifo {
 public:
  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }

  Item& front() {
    CHECK(!empty());
    return items_[first_];
  }
  const Item& front() const {
    CHECK(!empty());
    return items_[first_];
  }
  void Push(Item item) {
    if (first_ > 0 && items_.size() == items_.capacity() && first_ >= items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    items_.push_back(std::move(item));
  }
  // Calls visit(item), oldest first.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (std::size_t i = first_; i < items_.size(); ++i) visit(items_[i]);
  }
  void Pop() {
    CHECK(!empty());
    if (++first_ < items_.size()) return;
    items_.clear();
    first_ = 0;
  }

 private:
  std::vector<Item> items_;
  std::size_t first_ = 0;
};

}  // namespace engine
