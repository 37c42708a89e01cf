// Strong identifiers. Ids compare and hash; they have no arithmetic. Zero never names anything.
#pragma once

#include <compare>
#include <cstdint>

namespace engine {

enum class MarketId : std::uint32_t {};
enum class CredentialId : std::uint32_t {};  // Who may connect: a home's controller, an aggregator.
enum class PartyId : std::uint64_t {};       // Who is billed.
enum class MeteringPointId : std::uint64_t {};  // One grid connection.
enum class AccountId : std::uint64_t {};        // A party at a metering point in a market.
enum class ClientOrderId : std::uint64_t {};  // Chosen by the client; unique in {account, product}.

// Permanent: the sequence of the command that brought the order times 1,024, plus its place in it.
enum class OrderId : std::uint64_t {};

// What is traded: energy delivered in the market's slot that begins then.
struct ProductId {
  MarketId market{};
  std::uint32_t start_minute = 0;  // Minutes since 1970-01-01T00:00Z.

  friend constexpr auto operator<=>(const ProductId&, const ProductId&) = default;
};

}  // namespace engine
