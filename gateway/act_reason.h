// Whether people can read an act's reason as it was meant.
#pragma once

#include <cstdint>
#include <string_view>

namespace gateway {

// Of a reason: IsReadableReason in words.
inline constexpr char kReasonsAllowed[] =
    "a reason is a line of text: 1 to 160 bytes of UTF-8, without a blank at its ends, control "
    "characters or what cannot be seen";

// What shows nothing by itself and yet changes how a line looks, or is not there to the eye:
// controls, marks of direction and joining, tags.
bool IsInvisible(std::uint32_t character);

// engine::IsActReason, and nothing in it is invisible, and neither end blank. The engine does not
// ask this: the list grows with Unicode, and what a journal holds has to replay.
bool IsReadableReason(std::string_view text);

}  // namespace gateway
