#include "gateway/client/event_backlog.h"

namespace gateway {

void EventBacklog::Push(const ClientEvent& event) {
  const bool numbered = event.number != 0;
  std::deque<Told>& events = numbered ? numbered_ : unnumbered_;
  if (events.size() == (numbered ? kNumberedMax : kUnnumberedMax)) {
    events.pop_front();
    dropped_ += numbered ? 1 : 0;
  }
  events.push_back({next_place_++, event});
}

std::optional<ClientEvent> EventBacklog::Pop() {
  if (empty()) return std::nullopt;
  const bool numbered = unnumbered_.empty() ||
                        (!numbered_.empty() && numbered_.front().place < unnumbered_.front().place);
  std::deque<Told>& events = numbered ? numbered_ : unnumbered_;
  const ClientEvent event = events.front().event;
  events.pop_front();
  return event;
}

}  // namespace gateway
