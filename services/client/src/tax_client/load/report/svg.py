"""A picture as SVG: axes, and on them lines, areas and bars. Colours are classes, which the page's style knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from .scale import Label, Scale

WIDTH, HEIGHT = 640, 270
LEFT, RIGHT, TOP, BOTTOM = 58, 628, 16, 232  # of the plotted area

LETTER = 7.0  # pixels that a letter takes at most, on average
SEEN = 2.0  # pixels that a bar has at least: what there is once must be seen beside what there is a thousand times

Points = Sequence[tuple[float, float]]


@dataclass(slots=True)
class Chart:
    """A picture being drawn; `about` says in words what it shows, for who cannot see it."""

    about: str
    x: Scale
    y: Scale
    parts: list[str] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)  # class and name

    def axes(self, x_label: Label, y_label: Label, x_unit: str, x_ticks: Sequence[float] | None = None) -> None:
        """Lines across at round values, and what they stand for."""
        for value in self.y.ticks():
            y = self.y.place(value)
            self.parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            self.text(LEFT - 8, y + 4, y_label(value), "end")
        taken = 0.0  # by labels, up to here
        for value in self.x.ticks(8) if x_ticks is None else x_ticks:
            x = self.x.place(value)
            self.parts.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 5}"/>')
            label, at_edge = x_label(value), x > RIGHT - 12
            width = LETTER * len(label)
            left = x - (width if at_edge else width / 2)
            if left > taken:
                self.text(x, BOTTOM + 19, label, "end" if at_edge else "middle")
                taken = left + width
        self.parts.append(f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>')
        self.text(RIGHT, HEIGHT - 3, x_unit, "end")

    def text(self, x: float, y: float, text: str, anchor: str = "middle") -> None:
        """Words at a place."""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def line(self, name: str, style: str, points: Points) -> None:
        """A line through points; a single one is a dot."""
        self.legend.append((style, name))
        placed = [(self.x.place(x), self.y.place(y)) for x, y in points]
        if len(placed) == 1:
            ((x, y),) = placed
            self.parts.append(f'<circle class="dot {style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        elif placed:
            self.parts.append(f'<path class="line {style}" d="M{path(placed)}"/>')

    def area(self, name: str, style: str, points: Points) -> None:
        """A line through points, and what is below it."""
        placed = [(self.x.place(x), self.y.place(y)) for x, y in points]
        if placed:
            around = [(placed[0][0], BOTTOM), *placed, (placed[-1][0], BOTTOM)]
            self.parts.append(f'<path class="area {style}" d="M{path(around)}Z"/>')
        self.line(name, style, points)

    def bar(self, style: str, left: float, right: float, low: float, high: float) -> None:
        """A bar between two values across and two upwards."""
        x1, x2, y1, y2 = self.x.place(left), self.x.place(right), self.y.place(high), self.y.place(low)
        if high > low:
            y1 = min(y1, y2 - SEEN)
        place = f'x="{x1:.1f}" y="{y1:.1f}" width="{max(x2 - x1 - 0.6, 0.8):.1f}" height="{y2 - y1:.1f}"'
        self.parts.append(f'<rect class="bar {style}" {place}/>')

    def mark(self, value: float, text: str, row: int = 0) -> None:
        """A line down at a value, and what it is."""
        x, right = self.x.place(value), self.x.place(value) > (LEFT + RIGHT) / 2
        self.parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{BOTTOM}"/>')
        self.text(x + (-5 if right else 5), TOP + 10 + 15 * row, text, "end" if right else "start")

    def shade(self, until: float, text: str) -> None:
        """A grey ground from the beginning to a value."""
        x = self.x.place(until)
        size = f'width="{x - LEFT:.1f}" height="{BOTTOM - TOP}"'
        self.parts.insert(0, f'<rect class="shade" x="{LEFT}" y="{TOP}" {size}><title>{escape(text)}</title></rect>')

    def tip(self, left: float, right: float, text: str) -> None:
        """What the pointer is told between two values across."""
        x1, x2 = self.x.place(left), self.x.place(right)
        size = f'width="{max(x2 - x1, 0.5):.1f}" height="{BOTTOM - TOP}"'
        self.parts.append(f'<rect class="tip" x="{x1:.1f}" y="{TOP}" {size}><title>{escape(text)}</title></rect>')

    def svg(self) -> str:
        """The picture and its legend."""
        names = "".join(f'<li class="{style}">{escape(name)}</li>' for style, name in self.legend)
        legend = f'<ul class="legend">{names}</ul>' if len(self.legend) > 1 else ""
        about = escape(self.about)
        head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{about}">'
        frame = f'<div class="picture" tabindex="0" role="group" aria-label="{about}">'
        return f"{legend}{frame}{head}{''.join(self.parts)}</svg></div>"


def path(points: Points) -> str:
    """Points as a path of SVG has them."""
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def plot_x(low: float, high: float, logarithmic: bool = False) -> Scale:
    """A scale across the plotted area."""
    return Scale(low, high, LEFT, RIGHT, logarithmic)
