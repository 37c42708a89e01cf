// CHECK: an assertion that stays on in every build.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace engine {

[[noreturn]] inline void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace engine

// Stops the process when `condition` is false. Only for states that a correct program cannot reach:
// what a client sends is refused, what a disk or a file does is reported, neither is checked here.
// Recovery is a restart and a replay of the journal.
#define CHECK(condition)                             \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::engine::CheckFailed(__FILE__, __LINE__, #condition))
