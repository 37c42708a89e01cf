#include "tools/peerwatt/compare_svg.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tools {
namespace {

constexpr double kWidth = 1'040;
constexpr double kHeight = 480;
constexpr double kLeft = 70;
constexpr double kRight = 390;  // For the legend.
constexpr double kTop = 50;
constexpr double kBottom = 60;
constexpr std::array<const char*, 8> kColours = {"#d1495b", "#00798c", "#edae49", "#66a182",
                                                 "#8d5a97", "#2e4057", "#b5651d", "#5b8c5a"};

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// A side's orders from the best limit on.
std::vector<FedOrderState> Sorted(const std::vector<FedOrderState>& book, engine::Side side) {
  std::vector<FedOrderState> sorted;
  for (const FedOrderState& order : book) {
    if (order.side == side) sorted.push_back(order);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [side](const FedOrderState& a, const FedOrderState& b) {
                     return side == engine::Side::kBuy ? a.limit_ticks > b.limit_ticks
                                                       : a.limit_ticks < b.limit_ticks;
                   });
  return sorted;
}

std::uint64_t EnergyOf(const std::vector<FedOrderState>& orders) {
  std::uint64_t energy_wh = 0;
  for (const FedOrderState& order : orders) energy_wh += order.open_wh;
  return energy_wh;
}

std::string KwhText(std::uint64_t wh) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(3) << static_cast<double>(wh) / 1e3 << " kWh";
  return text.str();
}

class Drawing {
 public:
  Drawing(std::ostream& out, const std::vector<FedOrderState>& book) : out_(out) {
    for (const FedOrderState& order : book) {
      low_ = std::min(low_, order.limit_ticks);
      high_ = std::max(high_, order.limit_ticks);
    }
    const auto slack = std::max((high_ - low_) / 20, 1);
    low_ -= slack;
    high_ += slack;
    energy_wh_ = std::max<std::uint64_t>({EnergyOf(Sorted(book, engine::Side::kBuy)),
                                          EnergyOf(Sorted(book, engine::Side::kSell)), 1});
  }

  void Axes() {
    out_ << "<path d=\"M" << kLeft << " " << kTop << "V" << kHeight - kBottom << "H"
         << kWidth - kRight << "\" fill=\"none\" stroke=\"#333\"/>\n";
    for (int i = 0; i <= 4; ++i) {
      const std::int32_t ticks = low_ + (high_ - low_) / 4 * i;
      Text(kLeft - 8, Y(ticks) + 4, "end", std::to_string(ticks));
      const std::uint64_t wh = energy_wh_ / 4 * static_cast<std::uint64_t>(i);
      Text(X(wh), kHeight - kBottom + 18, "middle", std::to_string(wh / 1'000));
    }
    Text((kLeft + kWidth - kRight) / 2, kHeight - 16, "middle", "kWh");
    Text(kLeft - 8, kTop - 12, "end", "ticks");
  }
  void Steps(const std::vector<FedOrderState>& orders, const char* colour) {
    if (orders.empty()) return;
    out_ << "<path d=\"M" << X(0) << " " << Y(orders.front().limit_ticks);
    std::uint64_t wh = 0;
    for (const FedOrderState& order : orders) {
      out_ << "V" << Y(order.limit_ticks);
      wh += order.open_wh;
      out_ << "H" << X(wh);
    }
    out_ << "\" fill=\"none\" stroke-width=\"2\" stroke=\"" << colour << "\"/>\n";
  }
  // Both prices where they differ.
  void Mark(const RuleResult& result, std::size_t place) {
    const char* colour = kColours[place % kColours.size()];
    const double y = kTop + 46 + 22 * static_cast<double>(place);
    out_ << "<circle cx=\"" << kWidth - kRight + 24 << "\" cy=\"" << y - 4 << "\" r=\"5\" fill=\""
         << colour << "\"/>\n";
    std::string text = result.name;
    if (result.chosen_wh == 0) {
      Text(kWidth - kRight + 36, y, "start", text + ": nothing");
      return;
    }
    text += ": " + std::to_string(result.chosen_buy_ticks);
    for (const std::int32_t ticks : {result.chosen_buy_ticks, result.chosen_sell_ticks}) {
      out_ << "<circle cx=\"" << X(result.chosen_wh) << "\" cy=\"" << Y(ticks)
           << "\" r=\"5\" fill=\"" << colour << "\" fill-opacity=\"0.8\"/>\n";
    }
    if (result.chosen_buy_ticks != result.chosen_sell_ticks) {
      text += " / " + std::to_string(result.chosen_sell_ticks);
    }
    Text(kWidth - kRight + 36, y, "start", text + ", " + KwhText(result.chosen_wh));
  }
  void Text(double x, double y, const char* anchor, const std::string& text) {
    out_ << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">"
         << Escaped(text) << "</text>\n";
  }

 private:
  double X(std::uint64_t wh) const {
    return kLeft +
           (kWidth - kLeft - kRight) * static_cast<double>(wh) / static_cast<double>(energy_wh_);
  }
  double Y(std::int32_t ticks) const {
    return kTop + (kHeight - kTop - kBottom) * static_cast<double>(high_ - ticks) /
                      static_cast<double>(high_ - low_);
  }

  std::ostream& out_;
  std::int32_t low_ = INT32_MAX;
  std::int32_t high_ = INT32_MIN;
  std::uint64_t energy_wh_ = 1;
};

}  // namespace

void DrawRound(const Comparison& comparison, const std::string& title, std::ostream& out) {
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kWidth << "\" height=\"" << kHeight
      << "\" font-family=\"sans-serif\" font-size=\"13\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      << "<text x=\"" << kLeft << "\" y=\"22\" font-size=\"15\">" << Escaped(title) << "</text>\n"
      << std::fixed << std::setprecision(1);
  const std::vector<FedOrderState>* book = nullptr;
  for (const RuleResult& result : comparison.results) {
    if (book == nullptr || result.book.size() > book->size()) book = &result.book;
  }
  if (book == nullptr || book->empty()) {
    out << "<text x=\"" << kLeft << "\" y=\"60\">no order in this round</text>\n</svg>\n";
    return;
  }
  Drawing drawing(out, *book);
  drawing.Axes();
  drawing.Steps(Sorted(*book, engine::Side::kBuy), "#1f77b4");
  drawing.Steps(Sorted(*book, engine::Side::kSell), "#ff7f0e");
  drawing.Text(kWidth - kRight + 24, kTop + 4, "start", "demand (blue), supply (orange)");
  drawing.Text(kWidth - kRight + 24, kTop + 22, "start", "buyers' / sellers' price, energy:");
  std::size_t place = 0;
  for (const RuleResult& result : comparison.results) drawing.Mark(result, place++);
  out << "</svg>\n";
}

}  // namespace tools
