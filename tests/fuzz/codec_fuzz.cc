// For libFuzzer: coverage-guided bytes into the codec.
#include "tests/fuzz/codec_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= gateway::kFrameBytesMax) gateway::TakeInput({data, size});
  return 0;
}
