"""Charts as pictures, in the app's light palette: the same section gives the same bytes.

matplotlib draws them, with the DejaVu Sans that comes with it, which has Latin, Cyrillic and Greek. It is imported when
the first chart is drawn, in the process that `draw` starts for a report.
"""

import io
import math
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from functions.report_run.results import ReportSection
from functions.report_run.saying import number, share, tick
from functions.report_run.words import say
from shared.notifications import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0d9488", "#2563eb", "#d97706", "#9333ea", "#db2777", "#4d7c0f", "#0369a1", "#b45309")
OTHER, TEXT, MUTED, GRID, AXIS = "#8a9a99", "#10201f", "#566766", "#e3eaea", "#c3cfcf"
# In inches; at 200 dots an inch a mail's 600 pixels are twice as sharp.
WIDTH, _HEIGHT, _BAR, _DPI = 6.0, 2.5, 0.3, 200
_MOST_TICKS = 7
_MOST_MARKED = 14
_MOST_LABEL = 34
_MOST_LINES = 12
_STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "text.parse_math": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "sluice",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
    }
)


def is_drawn(section: ReportSection) -> bool:
    """Whether a section has a chart; the figures of a heat table are its mean curve, which the table shows already."""
    return section.chart in {"line", "area", "bar", "bars"} and any(
        value is not None for line in section.lines for value in line.values
    )


def draw(section: ReportSection, language: Language, kind: Literal["png", "svg"]) -> bytes:
    """The chart of a section that has one."""
    import matplotlib as mpl

    style: Any = dict(_STYLE)
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a script the font does not have is shown as boxes
        figure = _bars(section, language) if section.chart == "bars" else _lines(section, language)
        out = io.BytesIO()
        metadata: dict[str, str | None] = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, metadata=metadata, facecolor="#ffffff")
    return out.getvalue()


def _figure(height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.tick_params(length=0, colors=MUTED, pad=4)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(AXIS)
    return figure, axes


def _lines(section: ReportSection, language: Language) -> "Figure":
    figure, axes = _figure(_HEIGHT)
    lines = section.lines[:_MOST_LINES]
    places = list(range(len(section.labels)))
    bottoms = [0.0] * len(places)
    for order, line in enumerate(lines):
        colour = OTHER if line.other else PALETTE[order % len(PALETTE)]
        values = [math.nan if value is None else float(value) for value in line.values]
        if section.chart == "bar":
            heights = [0.0 if math.isnan(value) else value for value in values]
            axes.bar(places, heights, bottom=bottoms, color=colour, width=0.72, label=line.name)
            bottoms = [below + height for below, height in zip(bottoms, heights, strict=True)]
            continue
        marker = "o" if len(places) <= _MOST_MARKED else ""
        axes.plot(places, values, color=colour, linewidth=1.7, marker=marker, markersize=3, label=line.name)
        if section.chart == "area" and len(lines) == 1:
            axes.fill_between(places, values, color=colour, alpha=0.13, linewidth=0)
    _scale(axes, section, language)
    step = max(1, math.ceil(len(places) / _MOST_TICKS))
    shown = places[::step]
    axes.set_xticks(shown, [tick(section.labels[place], language) for place in shown])
    if len(lines) > 1:
        figure.legend(loc="outside upper left", ncols=min(6, len(lines)), frameon=False, labelcolor=MUTED, fontsize=7.5)
    return figure


def _scale(axes: "Axes", section: ReportSection, language: Language) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    shares = any(column.kind == "share" for column in section.columns[1:])
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=not shares and _whole(section)))
    said = share if shares else _brief
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: said(value, language)))
    low, high = axes.get_ylim()
    axes.set_ylim(min(0.0, low), high if high > 0 else 1.0)
    axes.margins(x=0.02)


def _whole(section: ReportSection) -> bool:
    return all(isinstance(value, int) or value is None for line in section.lines for value in line.values)


def _bars(section: ReportSection, language: Language) -> "Figure":
    values = [0.0 if value is None else float(value) for value in section.lines[0].values]
    figure, axes = _figure(0.25 + _BAR * max(2, len(values)))
    places = list(range(len(values)))
    bars = axes.barh(places, values, color=PALETTE[0], height=0.62)
    shares = any(column.kind == "share" and column.label == section.lines[0].name for column in section.columns)
    said = share if shares else number
    texts = [said(value, language) for value in section.lines[0].values]
    axes.bar_label(bars, labels=texts, padding=4, color=TEXT, fontsize=7.5)
    axes.set_yticks(places, [_cut(label) for label in section.labels], color=TEXT)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.margins(x=0.12)
    return figure


def _cut(label: str) -> str:
    plain = " ".join(label.split())
    return plain if len(plain) <= _MOST_LABEL else plain[: _MOST_LABEL - 1] + "…"


_THOUSAND = 1_000


def _brief(value: float, language: Language) -> str:
    """A number as an axis has room for: 12K, in Russian 12 тыс."""
    if abs(value) < 10 * _THOUSAND:
        return number(int(value) if value == int(value) else round(value, 2), language)
    units, power = say(language, "units").split(","), 0
    while abs(value) >= _THOUSAND and power < len(units):
        value, power = value / _THOUSAND, power + 1
    return f"{number(int(value) if value == int(value) else round(value, 1), language)}{units[power - 1]}"
