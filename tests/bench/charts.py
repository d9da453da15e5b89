"""Charts as SVG, with nothing but text: bars that are made of parts, and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb", "#332288", "#999933")
WIDTH, LEFT, RIGHT, BAR, GAP = 860, 240, 90, 26, 14
FONT = 'font-family="sans-serif" font-size="13" fill="#333"'


def bars(title: str, rows: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """A bar for each row, made of its parts, with their sum at its end.

    + rows: each row's name, and its parts by name
    """
    parts = list(dict.fromkeys(part for row in rows.values() for part in row))
    most = max((sum(row.values()) for row in rows.values()), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    top = 50
    legend = top + len(rows) * (BAR + GAP) + 10
    drawn = [_text(10, 24, title, size=16)]
    for number, (name, row) in enumerate(rows.items()):
        y = top + number * (BAR + GAP)
        drawn.append(_text(LEFT - 10, y + BAR - 8, name, anchor="end"))
        x = float(LEFT)
        for part, value in row.items():
            colour = COLOURS[parts.index(part) % len(COLOURS)]
            drawn.append(f'<rect x="{x:.1f}" y="{y}" width="{value * scale:.1f}" height="{BAR}" fill="{colour}"/>')
            x += value * scale
        drawn.append(_text(x + 6, y + BAR - 8, f"{_number(sum(row.values()))} {unit}".strip()))
    height = legend + 10
    if len(parts) > 1:
        drawn += [line for number, part in enumerate(parts) for line in _legend(number, part, legend)]
        height = legend + (len(parts) + 3) // 4 * 22
    return _svg(height, drawn)


def line(title: str, series: Mapping[str, Sequence[tuple[float, float]]], axes: tuple[str, str]) -> str:
    """Points that are joined by lines, a line for each series.

    + axes: what is on the horizontal and the vertical one
    """
    points = [point for one in series.values() for point in one]
    width, height, top = WIDTH - LEFT - RIGHT, 260, 50
    far, high = (max((point[axis] for point in points), default=1) or 1 for axis in (0, 1))
    drawn = [_text(10, 24, title, size=16), _text(LEFT, top + height + 40, axes[0]), _text(10, top + 10, axes[1])]
    drawn.append(f'<path d="M{LEFT} {top}V{top + height}H{LEFT + width}" fill="none" stroke="#999"/>')
    for number, (name, one) in enumerate(series.items()):
        places = [(LEFT + x / far * width, top + height - y / high * height) for x, y in one]
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (value, cost) in zip(places, one, strict=True):
            drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            drawn.append(_text(x, top + height + 18, _number(value), anchor="middle"))
            drawn.append(_text(x, y - 9, _number(cost), anchor="middle"))
        drawn += _legend(number, name, top + height + 60)
    return _svg(top + height + 80, drawn)


def _legend(number: int, name: str, top: float) -> list[str]:
    x, y = 10 + number % 4 * 210, top + number // 4 * 22
    colour = COLOURS[number % len(COLOURS)]
    return [f'<rect x="{x}" y="{y - 12}" width="14" height="14" fill="{colour}"/>', _text(x + 20, y, name)]


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 13) -> str:
    font = FONT.replace("13", str(size))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {font}>{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _svg(height: float, drawn: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" role="img">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>', *drawn, "</svg>", ""])
