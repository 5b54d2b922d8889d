"""A bar chart as SVG: one bar a case, its least and most as a line across its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from scripts.bench.summary import Spread

WIDTH: Final = 860
LABEL_WIDTH: Final = 270
VALUE_WIDTH: Final = 80
BAR_HEIGHT: Final = 20
ROW_HEIGHT: Final = 30
TITLE_HEIGHT: Final = 40
SCALE_WIDTH: Final = WIDTH - LABEL_WIDTH - VALUE_WIDTH
STYLE: Final = (
    "text{font:13px sans-serif;fill:#222}.t{font-weight:bold}.e{text-anchor:end}"
    "rect{fill:#4878a8}line{stroke:#222}.p{fill:#fff}"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled value with its spread."""

    label: str
    value: Spread


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of one unit below one title."""

    title: str
    bars: Sequence[Bar]


def render(charts: Sequence[Chart]) -> str:
    """Return the charts below one another, as the text of an SVG file."""
    parts, top = [], 0
    for chart in charts:
        parts += _chart(chart, top)
        top += TITLE_HEIGHT + ROW_HEIGHT * len(chart.bars)
    height = top + ROW_HEIGHT // 2
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">'
    )
    ground = f'<rect class="p" width="{WIDTH}" height="{height}"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def _chart(chart: Chart, top: int) -> list[str]:
    scale = SCALE_WIDTH / (max((bar.value.most for bar in chart.bars), default=0.0) or 1.0)
    parts = [f'<text class="t" x="8" y="{top + 26}">{escape(chart.title)}</text>']
    for row, bar in enumerate(chart.bars):
        parts += _bar(bar, top + TITLE_HEIGHT + ROW_HEIGHT * row, scale)
    return parts


def _bar(bar: Bar, top: int, scale: float) -> list[str]:
    value = bar.value
    middle = top + BAR_HEIGHT / 2
    least, most = (LABEL_WIDTH + part * scale for part in (value.least, value.most))
    label, text = escape(bar.label), f"{value.median:,.0f}"
    return [
        f'<text class="e" x="{LABEL_WIDTH - 8}" y="{top + 15}">{label}</text>',
        f'<rect x="{LABEL_WIDTH}" y="{top}" width="{value.median * scale:.1f}" '
        f'height="{BAR_HEIGHT}"/>',
        f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}"/>',
        f'<text x="{most + 6:.1f}" y="{top + 15}">{text}</text>',
    ]
