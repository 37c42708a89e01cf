#include "engine/settlement/postings.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/core/check.h"
#include "engine/core/clearing/sharing.h"

namespace engine {
namespace {

// `whole` + `rest` / divisor ledger units, with 0 <= rest < divisor: rounded down, whole.
struct Amount {
  std::int64_t whole = 0;
  Wide rest = 0;
};

Wide Magnitude(SignedWide number) { return static_cast<Wide>(number < 0 ? -number : number); }

class Amounts {
 public:
  explicit Amounts(Wide divisor) : divisor_(divisor) { CHECK(divisor > 0); }

  // energy * price / divisor.
  Amount Of(std::uint64_t energy_wh, SignedWide price) const {
    const WideDivision product = MultiplyDivide(Magnitude(price), energy_wh, divisor_);
    CHECK(product.quotient <= INT64_MAX);
    const Amount amount{static_cast<std::int64_t>(product.quotient), product.remainder};
    return price < 0 ? Negative(amount) : amount;
  }
  Amount Negative(const Amount& amount) const {
    if (amount.rest == 0) return {-amount.whole, 0};
    return {-amount.whole - 1, divisor_ - amount.rest};
  }
  // The rests are below 2^126, so their sum fits.
  Amount Sum(const Amount& a, const Amount& b) const {
    const Wide rest = a.rest + b.rest;
    const std::int64_t carry = rest >= divisor_ ? 1 : 0;
    LedgerUnits whole(a.whole);
    whole += LedgerUnits(b.whole);
    whole += LedgerUnits(carry);
    return {whole.value(), carry == 1 ? rest - divisor_ : rest};
  }

 private:
  const Wide divisor_;
};

ExactPrice InLowestTerms(SignedWide price, Wide divisor) {
  Wide a = Magnitude(price);
  Wide b = divisor;
  while (b != 0) {
    const Wide rest = a % b;
    a = b;
    b = rest;
  }
  return {.negative = price < 0, .ticks = Magnitude(price) / a, .divisor = divisor / a};
}

// One more for the largest rests, until all amounts add up to `sum`.
void Round(std::vector<Amount>& amounts, Wide divisor, LedgerUnits sum) {
  LedgerUnits odd = sum;
  for (const Amount& amount : amounts) odd -= LedgerUnits(amount.whole);
  CHECK(odd >= LedgerUnits(0));
  std::vector<std::uint32_t> more(amounts.size());
  ShareOut<Wide>(
      static_cast<std::uint64_t>(odd.value()), divisor,
      [&](auto visit) {
        for (std::size_t i = 0; i < amounts.size(); ++i) visit(amounts[i], more[i]);
      },
      [](const Amount& amount) { return Share<Wide>{.whole_wh = 0, .remainder = amount.rest}; });
  for (std::size_t i = 0; i < amounts.size(); ++i) amounts[i].whole += more[i];
}

WattHours Energy(std::uint64_t energy_wh) {
  return WattHours(static_cast<std::int64_t>(energy_wh));
}

}  // namespace

Settlement Post(const MeteredPeriod& period, const GridTariffs& tariffs,
                const CommunityPrices& prices) {
  CHECK(period.fault == SettlementFault::kNone);
  Settlement settlement;
  settlement.buy = InLowestTerms(prices.buy, prices.divisor);
  settlement.sell = InLowestTerms(prices.sell, prices.divisor);
  settlement.grid_cost = Cost(tariffs.import_price, Energy(period.from_grid_wh)) -
                         Cost(tariffs.export_price, Energy(period.to_grid_wh));
  const Amounts exact(prices.divisor);
  std::vector<Amount> amounts;
  Amount left{settlement.grid_cost.value(), 0};  // For the operator.
  for (const MeteredHome& home : period.homes) {
    amounts.push_back(exact.Sum(exact.Of(home.import_wh, prices.buy),
                                exact.Negative(exact.Of(home.export_wh, prices.sell))));
    left = exact.Sum(left, exact.Negative(amounts.back()));
  }
  amounts.push_back(left);
  Round(amounts, prices.divisor, settlement.grid_cost);
  settlement.operator_gain -= LedgerUnits(amounts.back().whole);
  for (std::size_t i = 0; i < period.homes.size(); ++i) {
    const MeteredHome& home = period.homes[i];
    settlement.postings.push_back({.account = home.account,
                                   .amount = LedgerUnits(amounts[i].whole),
                                   .bought = Energy(home.bought_wh),
                                   .sold = Energy(home.sold_wh),
                                   .from_grid = Energy(home.import_wh - home.bought_wh),
                                   .to_grid = Energy(home.export_wh - home.sold_wh)});
  }
  return settlement;
}

}  // namespace engine
