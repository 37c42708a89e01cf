"""What an order costs as rounds grow, as a picture."""

import math
import statistics
from xml.sax.saxutils import escape

ORDERS = [10_000, 100_000, 1_000_000, 10_000_000]
CURVES = [  # Label, colour, program and the benchmark's name with the number of orders left open.
    ("clear, nothing trades", "#1b7f4d", "clearing_bench",
     "BM_ClearUniformPrice/orders:{}/levels:65536/crossing:0"),
    ("clear, half trades", "#2f6fb5", "clearing_bench",
     "BM_ClearUniformPrice/orders:{}/levels:65536/crossing:1"),
    ("sort and merge, half trades", "#b5472f", "clearing_bench",
     "BM_BaselineSortAndMerge/orders:{}/levels:65536/crossing:1"),
]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 420, 70, 60, 30
LEAST_NS, MOST_NS = 0.5, 500.0


def wanted():
    names = {}
    for _, _, program, name in CURVES:
        names.setdefault(program, set()).update(name.format(orders) for orders in ORDERS)
    return names


def _x(orders):
    first, last = math.log10(ORDERS[0]), math.log10(ORDERS[-1])
    return LEFT + (WIDTH - LEFT - 200) * (math.log10(orders) - first) / (last - first)


def _y(nanoseconds):
    share = math.log10(nanoseconds / LEAST_NS) / math.log10(MOST_NS / LEAST_NS)
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(max(share, 0), 1)


def _text(x, y, text, anchor="middle", colour="#333"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">'
            f"{escape(text)}</text>")


def _points(measured, program, name):
    points = []
    for orders in ORDERS:
        rates = [run["items_per_second"] for run in measured.get(program, [])
                 if run["run_name"] == name.format(orders) and run["run_type"] == "iteration"]
        if rates:
            points.append((orders, 1e9 / statistics.median(rates)))
    return points


def draw(measured):
    """SVG, both axes logarithmic."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for nanoseconds in (1, 10, 100):
        y = _y(nanoseconds)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 200}" y1="{y:.0f}" y2="{y:.0f}" '
                     'stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{nanoseconds} ns", "end"))
    for orders in ORDERS:
        parts.append(_text(_x(orders), HEIGHT - BOTTOM + 22, f"{orders:,}"))
    parts.append(_text((LEFT + WIDTH - 200) / 2, HEIGHT - 12, "orders in the round"))
    parts.append(_text(LEFT, TOP - 10, "time an order", "start"))
    for label, colour, program, name in CURVES:
        points = _points(measured, program, name)
        if not points:
            continue
        line = " ".join(f"{_x(orders):.1f},{_y(ns):.1f}" for orders, ns in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" '
                     'stroke-width="2"/>')
        for orders, ns in points:
            parts.append(f'<circle cx="{_x(orders):.1f}" cy="{_y(ns):.1f}" r="3" '
                         f'fill="{colour}"/>')
        parts.append(_text(_x(points[-1][0]) + 10, _y(points[-1][1]) + 4, label, "start", colour))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
