// A pointer that exactly two owners share, one in each of two threads: the last to go deletes.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace engine {

namespace internal {

template <typename Value>
struct TwiceOwned {
  template <typename... Args>
  explicit TwiceOwned(Args&&... args) : value(std::forward<Args>(args)...) {}

  Value value;
  std::atomic<int> owners{2};
};

struct Leave {
  template <typename Value>
  void operator()(TwiceOwned<Value>* shared) const {
    if (shared->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared;
  }
};

}  // namespace internal

// Move-only. Requires: a moved-from owner is only destroyed or assigned to.
template <typename Value>
class SharedByTwo {
 public:
  template <typename... Args>
  static std::pair<SharedByTwo, SharedByTwo> Make(Args&&... args) {
    auto* shared = new internal::TwiceOwned<Value>(std::forward<Args>(args)...);
    return {SharedByTwo(shared), SharedByTwo(shared)};
  }

  Value& operator*() const { return shared_->value; }
  Value* operator->() const { return &shared_->value; }

 private:
  explicit SharedByTwo(internal::TwiceOwned<Value>* shared) : shared_(shared) {}

  std::unique_ptr<internal::TwiceOwned<Value>, internal::Leave> shared_;
};

}  // namespace engine
