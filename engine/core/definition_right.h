// Who may define what: of a command that defines, by what the registry knows of who acts.
#pragma once

#include "engine/core/command.h"
#include "engine/core/registry.h"

namespace engine {

// Whoever owns the machine may all: what he can do to the files no check here would keep from him.
// So an operator that took the role from the last one who had it, be it itself, locks nobody out.
// An operator may with the role administer, but for what would let it see sealed orders that are
// not its own: it gives surveillance, or what logs on as one that has it, only where it has that
// itself, and makes no operator the owner of an account with open orders.
//
// A bare definition, which nobody has to answer for, is one alone and neither gives nor takes a
// role.
bool MayDefine(const Registry& registry, CommandView command);

}  // namespace engine
