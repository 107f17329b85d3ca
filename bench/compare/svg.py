# SPDX-License-Identifier: Apache-2.0
"""The few kinds of plot that the report needs, as SVG text."""

import html
import math

# Okabe and Ito: told apart by colour-blind readers, and in print.
COLOURS = ("#555555", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
WIDTH = 470
LEFT = 84
RIGHT = 66
ROW = 19
FONT = 'font-family="system-ui,sans-serif" font-size="11"'


def short(value):
    """1234567 -> 1.23M."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def _text(x, y, text, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{html.escape(str(text))}</text>'


def _figure(height, body, label):
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" role="img" '
        f'aria-label="{html.escape(label)}" {FONT} fill="#222">' + "".join(body) + "</svg>"
    )


def bars(title, rows, unit):
    """rows: (name, value, low, high, colour); low and high of the rounds are drawn as a whisker."""
    top = max((row[3] for row in rows), default=0) or 1
    span = WIDTH - LEFT - RIGHT
    body = []
    for index, (name, value, low, high, colour) in enumerate(rows):
        y = index * ROW
        length = span * value / top
        body.append(_text(LEFT - 6, y + 13, name, "end"))
        body.append(
            f'<rect x="{LEFT}" y="{y + 3}" width="{max(length, 0.8):.1f}" height="{ROW - 6}" fill="{colour}"/>'
        )
        if high > low:
            x1, x2, middle = LEFT + span * low / top, LEFT + span * high / top, y + ROW / 2
            body.append(
                f'<path d="M{x1:.1f} {middle}H{x2:.1f}M{x1:.1f} {middle - 3}v6M{x2:.1f} {middle - 3}v6" '
                'stroke="#000" stroke-width="1" fill="none"/>'
            )
        end = LEFT + span * max(value, high) / top
        body.append(_text(end + 5, y + 13, f"{short(value)} {unit}".strip()))
    return _figure(len(rows) * ROW + 2, body, title)


def _log_ticks(low, high):
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ticks = [f * 10**p for p in powers for f in factors if low <= f * 10**p <= high]
        if len(ticks) >= 3:
            break
    return ticks


def spans(title, rows, unit):
    """rows: (name, [p50, p90, p99, p99.9], colour), on a logarithmic axis: a line from the first to the
    last, a dot at each."""
    values = [value for row in rows for value in row[1] if value > 0]
    if not values:
        return ""
    low, high = min(values) / 1.3, max(values) * 1.3
    scale = (WIDTH - LEFT - RIGHT) / math.log(high / low)

    def at(value):
        return LEFT + scale * math.log(max(value, low) / low)

    height = len(rows) * ROW
    body = []
    for tick in _log_ticks(low, high):
        body.append(f'<path d="M{at(tick):.1f} 0V{height}" stroke="#ddd"/>')
        body.append(_text(at(tick), height + 13, f"{short(tick)} {unit}", "middle", 'fill="#666"'))
    for index, (name, points, colour) in enumerate(rows):
        y = index * ROW + ROW / 2
        body.append(_text(LEFT - 6, y + 4, name, "end"))
        body.append(
            f'<path d="M{at(points[0]):.1f} {y}H{at(points[-1]):.1f}" stroke="{colour}" stroke-width="2"/>'
        )
        for place, point in enumerate(points):
            radius = (5, 3.5, 4, 2.5)[place]
            fill = colour if place != 2 else "#fff"
            body.append(
                f'<circle cx="{at(point):.1f}" cy="{y}" r="{radius}" fill="{fill}" stroke="{colour}" '
                'stroke-width="1.6"/>'
            )
        body.append(_text(at(points[-1]) + 8, y + 4, short(points[-1])))
    return _figure(height + 20, body, title)


def lines(title, curves, unit, marks=()):
    """curves: (name, [(x, y)...], colour). marks: x positions of dashed lines."""
    points = [point for curve in curves for point in curve[1]]
    if not points:
        return ""
    x_top = max(x for x, _ in points) or 1
    y_top = max(y for _, y in points) * 1.05 or 1
    left, height, bottom = 52, 190, 172
    span = WIDTH - left - 12

    def place(x, y):
        return left + span * x / x_top, bottom - (bottom - 8) * y / y_top

    body = []
    step = _nice_step(y_top / 4)
    tick = 0.0
    while tick <= y_top:
        _, y = place(0, tick)
        body.append(f'<path d="M{left} {y:.1f}H{left + span}" stroke="#e4e4e4"/>')
        body.append(_text(left - 5, y + 4, short(tick) if tick else "0", "end", 'fill="#666"'))
        tick += step
    step = _nice_step(x_top / 6)
    tick = 0.0
    while tick <= x_top:
        x, _ = place(tick, 0)
        body.append(_text(x, bottom + 14, f"{tick:g}", "middle", 'fill="#666"'))
        tick += step
    for mark in marks:
        x, _ = place(min(mark, x_top), 0)
        body.append(f'<path d="M{x:.1f} 8V{bottom}" stroke="#000" stroke-dasharray="3 3"/>')
    for _, curve, colour in curves:
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in curve)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(curve) < 4:
            for point in curve:
                x, y = place(*point)
                body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
    body.append(_text(WIDTH - 12, height + 12, f"{unit}; seconds across", "end", 'fill="#666"'))
    return _figure(height + 16, body, title)


def _nice_step(raw):
    power = 10 ** math.floor(math.log10(raw)) if raw > 0 else 1
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
