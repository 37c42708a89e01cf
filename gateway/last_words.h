// The last that one thread had to say, for another.
#pragma once

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace gateway {

// Thread: any.
class LastWords {
 public:
  void Say(std::string words) {
    const absl::MutexLock lock(&mutex_);
    words_ = std::move(words);
  }
  std::string Get() const {
    const absl::MutexLock lock(&mutex_);
    return words_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::string words_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace gateway
