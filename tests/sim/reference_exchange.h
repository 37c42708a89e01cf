// The exchange once more, as slow and plain as its rules can be said: what the journal's commands
// should come to. It shares no code with the real one but the layout of commands and events, and
// the hash in digests.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/core/command.h"
#include "engine/core/event.h"
#include "tests/sim/reference_book.h"

namespace engine {

// What a client is told of one of its commands.
struct ReferenceAnswer {
  AnswerEvent answer;
  std::vector<Refusal> refusals;
};

// Knows markets with the uniform price, in as many rounds as you like, and continuous ones. Where a
// command cannot be, or an outcome is another one than it comes to, fault() says so; it is good for
// nothing then.
class ReferenceExchange {
 public:
  // Requires: the journal's records from the first, in order.
  void Apply(CommandView command);

  const std::string& fault() const { return fault_; }
  std::uint64_t sequence() const { return sequence_; }

  // All that there is to tell a credential, by number, from 1.
  const std::vector<Event>& Numbered(CredentialId credential) const;
  // Null where the command is not in the journal.
  const ReferenceAnswer* FindAnswer(CredentialId credential, std::uint64_t client_seq) const;
  // Of the last command of the credential in the journal.
  std::uint64_t LastClientSeq(CredentialId credential) const;

  struct OpenOrder {
    AccountId account{};
    ClientOrderId client_order_id{};
    ProductId product;
    std::uint64_t open_wh = 0;
    std::int32_t limit_ticks = 0;

    friend auto operator<=>(const OpenOrder&, const OpenOrder&) = default;
  };
  // Whether that was so after some command in the journal.
  bool WasIndicative(const IndicativeEvent& indicative) const;
  std::vector<OpenOrder> OpenOrders(CredentialId credential) const;
  // Whether it is defined just so.
  bool Has(const MarketDefinition& market) const;
  bool Has(const MeteringPointBody& point) const;
  bool Has(const AccountBody& account) const;
  // That the credential may act for.
  std::vector<AccountBody> AccountsOf(CredentialId credential) const;
  // Whether it has an order open that may leave at this time.
  bool MayLeave(CredentialId credential, std::int64_t now_ns) const;
  std::uint64_t open_orders() const;

  std::uint64_t rounds_cleared() const { return rounds_cleared_; }
  std::uint64_t rounds_void() const { return rounds_void_; }
  std::uint64_t energy_wh() const { return energy_wh_; }  // That was traded.
  std::uint64_t trades() const { return trades_; }        // In continuous markets.

 private:
  using ProductKey = std::pair<MarketId, std::uint32_t>;

  void ApplyOne(CommandView command);
  void KeepIndicatives();
  void Define(CommandView command);
  void Take(const MarketDefinition& market) { markets_[market.id] = market; }
  void Take(const MeteringPointBody& point) { points_[point.id] = point; }
  void Take(const AccountBody& account);
  void Take(const CredentialBody& /*credential*/) {}
  void Take(const CertificateBody& /*certificate*/) {}
  void ApplyClient(CommandView command);
  template <typename Item, typename Act>
  void AnswerItems(CommandView command, ReferenceAnswer& answer, Act act);
  Reason Locate(const CommandHeader& header, AccountId account, const ProductId& id,
                ReferenceProduct*& product) const;
  Reason Submit(const CommandHeader& header, std::uint32_t place, const OrderBody& terms);
  Reason Replace(const CommandHeader& header, const OrderBody& terms);
  Reason Cancel(const CommandHeader& header, const OrderKeyBody& key);
  Reason CheckCrossing(const CommandHeader& header, const ReferenceProduct& product,
                       const std::vector<ReferenceOrder*>& crossing) const;
  void CancelAll(CommandView command, ReferenceAnswer& answer);
  void Disconnect(const CommandHeader& header);
  void Open(const CommandHeader& header, const ProductBody& body);
  void Close(const CommandHeader& header, const ProductBody& body);
  void Confirm(const OutcomeBody& outcome);
  void Finish(const CommandHeader& header, const ProductBody& body);
  void TellRound(const ReferenceProduct& product, const NaiveRound& cleared, bool is_void);
  void TradeNewest(ReferenceProduct& product);
  void TradeWith(ReferenceProduct& product, ReferenceOrder& maker);
  void TellFill(const ReferenceProduct& product, const ReferenceOrder& order, std::uint64_t energy,
                std::int64_t price);
  void TellCancelled(ReferenceProduct& product, ReferenceOrder& order, Reason reason);
  void Tell(CredentialId credential, Event event);
  void Fault(const std::string& what);
  template <typename Visit>
  void ForEachOpenOf(CredentialId credential, const OrderScopeBody& scope, Visit visit);

  std::uint64_t sequence_ = 0;
  std::int64_t time_ns_ = 0;
  std::string fault_;
  std::map<MarketId, MarketDefinition> markets_;
  std::map<MeteringPointId, MeteringPointBody> points_;
  std::vector<AccountBody> accounts_;  // In the order in which they were last defined.
  std::map<ProductKey, ReferenceProduct> products_;
  std::map<CredentialId, std::vector<Event>> numbered_;
  std::map<CredentialId, std::uint64_t> last_seq_;
  std::map<std::pair<CredentialId, std::uint64_t>, ReferenceAnswer> answers_;
  using Indicative = std::tuple<ProductId, bool, std::int32_t, std::uint64_t>;
  std::set<Indicative> indicatives_;
  struct Awaited {  // The outcome of the round that was closed last.
    ProductId product;
    std::uint32_t round = 0;
    std::uint32_t fills = 0;
    std::uint64_t energy_wh = 0;
    std::int64_t price_ticks = 0;
    DigestBytes digest{};
    RuleParameters rule;
    bool is_void = false;
  };
  std::vector<Awaited> awaited_;  // One at most.
  std::uint64_t rounds_cleared_ = 0;
  std::uint64_t rounds_void_ = 0;
  std::uint64_t energy_wh_ = 0;
  std::uint64_t trades_ = 0;
};

}  // namespace engine
