// How the tool writes what a journal holds: times, kinds of commands, definitions and acts.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "engine/core/act.h"

namespace tools {

std::string TimeText(std::int64_t time_ns);  // UTC, to the microsecond.

// The name without its k, in snake_case.
const char* CommandName(engine::CommandType type);

// As in a credentials file.
const char* KindName(engine::CredentialKind kind);

// Each byte as \x and two hex digits of what is no UTF-8, a control character or invisible: what is
// on disk may be anything, and a terminal obeys it.
std::string Escaped(std::string_view text);

// Escaped between quotes, and each quote in it twice: one field of a CSV.
std::string Quoted(std::string_view text);

// ` who=... uid=... reason="..."`.
void WriteActor(const engine::ActBody& act, std::ostream& out);

// An indented line each, a market as it is in a markets file; without hashes of tokens.
void WriteDefinitions(const engine::DefinitionView& definitions, std::ostream& out);

// `who` and `reason` are empty where the record is a bare definition, of a program before there
// were acts; `uid` is empty but where whoever owns the machine acted (who is 0).
inline constexpr std::string_view kActsHeader = "sequence,time,who,uid,what,id,reason";
// A row for each definition in the record, and for the journal's first record; else nothing. A
// reason that a spreadsheet would take for a formula has a ' before it.
void WriteActRows(engine::CommandView record, std::ostream& out);

}  // namespace tools
