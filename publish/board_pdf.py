"""The short PDF of a board pack: headline, ranking, losses in money, what changed since the last pack and why, definitions, coverage.

Here: what the pages say, and drawing them (`draw`), with fonts for the scripts that names are written in. Elsewhere: the pack
(`publish.board_pack`), values and ranks (`publish.reader`, `publish.ranking`), what changed (`publish.pack_differences`).

Pages are lists of blocks first: so the fonts are cut to the characters that occur, and a character that no font has is written as its
number and told. The same blocks give the same bytes.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from connectors.errors import PlantlakeError, Problem, listed
from dbt_project.catalogue import published
from publish import loss_tables, ranking, tables
from publish.pack_differences import PackDifferences
from publish.reader import HEADLINE
from publish.workbook import Shown, change, said, unexplained

FONTS = ("manimgx_fonts", "justmytype_intl_cjk")
"""Packages with fonts: one for all scripts but those of East Asia (extra `board`), one for these (extra `cjk`)."""
MAIN = "NotoSans[wght].ttf"
MOST = 24
"""Rows of a table of plants: a portfolio of 300 must not make ten pages."""
DARK, RUST, GREY, PALE = (20, 54, 92), (197, 90, 17), (110, 110, 110), (235, 240, 246)


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Lines:
    lines: Sequence[str]
    is_note: bool = False


@dataclass(frozen=True)
class Card:
    title: str
    value: str
    change: str
    about: str


@dataclass(frozen=True)
class Cards:
    cards: Sequence[Card]


@dataclass(frozen=True)
class Bars:
    """Bars of a label, a length between 0 and 1, and what is written beside it."""

    rows: Sequence[tuple[str, float, str]]


@dataclass(frozen=True)
class Grid:
    """A table; widths are relative, `right` names the columns of numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]
    right: Sequence[int] = ()


@dataclass(frozen=True)
class NewPage:
    pass


Block = Heading | Lines | Cards | Bars | Grid | NewPage


# --- what the pages say -------------------------------------------------------------------------------------------------------------------


def pages(shown: Shown, closed: str, changes: PackDifferences) -> list[Block]:
    """Every block of the PDF. `closed` says when and by whom the month was closed."""
    return [
        Heading(f"{shown.name}: {shown.month:%B %Y}"), Lines([closed], is_note=True),
        *_headline(shown), *_ranking(shown), NewPage(),
        *_losses(shown), *_points(shown),
        *_changes(changes), *_coverage(shown), *_definitions(),
    ]  # fmt: skip


def _number(value: float | None, unit: str | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:,.1f} %" if unit == "ratio" else f"{value:,.1f} {unit or ''}".strip()


def _points_of(row: Any) -> str:
    moved = change(row)
    return "" if moved is None else f"{moved:+.1f}" + (" pt" if row["unit"] == "ratio" else "")


def _headline(shown: Shown) -> Iterator[Block]:
    of = {row["kpi_id"]: row for row in shown.values.filter(pl.col("scope_type") == "PORTFOLIO").iter_rows(named=True)}
    if not of:
        yield Lines(["The portfolio has no values in this month."])
        return
    cards = []
    for kpi in HEADLINE:
        row = of.get(kpi)
        value, why = said(row)
        about = (
            why if row is None else f"{row['coverage']:.0%} covered, grade {row['grade']}, {row['plants_in']} of {row['plants_of']} plants"
        )
        cards.append(Card(kpi, _number(value, row["unit"] if row else None), _points_of(row), about if value is not None else why))
    yield Cards(cards)
    trend = shown.over_time.filter((pl.col("scope_type") == "PORTFOLIO") & (pl.col("kpi_id") == "OEE")).sort("period_start").tail(12)
    if len(trend) > 1:
        yield Heading("OEE of the portfolio by month")
        rows = trend.iter_rows(named=True)
        yield Bars([(f"{row['period_start']:%Y-%m}", min(1.0, row["value"] or 0),
            f"{_number(row['value'], 'ratio')}, {row['coverage']:.0%} covered, "
                     f"{row['plants_in']} of {row['plants_of']} plants") for row in rows])  # fmt: skip


def _between(row: Any) -> str:
    low, high = (_number(row[end], "ratio") for end in ("value_low", "value_high"))
    return f"{low} to {high}" if low != high else ""


def _ranking(shown: Shown) -> Iterator[Block]:
    yield Heading("Plants by OEE")
    mine = shown.values.filter((pl.col("scope_type") == "PLANT") & (pl.col("kpi_id") == "OEE"))
    found = ranking.ranked(mine, "HIGHER")
    rows = [row for row in found.iter_rows(named=True) if row["rank"] is not None]
    others = {key[0]: {row["kpi_id"]: row for row in group.iter_rows(named=True)} for key, group in shown.values.group_by("scope_id")}
    if rows:
        half = MOST // 2
        kept = rows if len(rows) <= MOST else [*rows[:half], *rows[-half:]]
        yield Grid(
            ["rank", "plant", "name", "OEE", "change", "least to most", "target", "coverage", "grade"],
            [
                [
                    f"{row['rank']}{'=' if row['is_shared'] else ''}", row["scope_id"], row["scope_name"] or "", _number(row["value"],
                    "ratio"), _points_of(row),
                    _between(row),
                    "" if row["target"] is None else _number(row["target"], "ratio"), f"{row['coverage']:.0%}", row["grade"],
                ]
                for row in kept
            ],
            (6, 13, 34, 11, 11, 22, 10, 12, 8), (3, 4, 5, 6, 7),
        )  # fmt: skip
        if len(rows) > MOST:
            yield Lines([f"The first and the last {half} of {len(rows)}; all are in kpi.xlsx, sheet KPIs."], is_note=True)
    notes = ["A rank is shared (=) where values overlap between the least and the most that they can be."] if rows else []
    notes += tables.rank_notes(found)[3:15]
    lacking = [
        f"{scope}: {text}" for scope, of in sorted(others.items()) if (text := unexplained(of, HEADLINE)) and scope in mine["scope_id"]
    ]
    notes += [f"Not computable: {line}." for line in lacking[:12]]
    notes += [f"... and {len(lacking) - 12} more plants: kpi.xlsx, sheet KPIs."] if len(lacking) > 12 else []
    yield Lines(notes or ["No plant has an OEE in this month."], is_note=True)


def _money(value: float | None, currency: str | None) -> str:
    return "-" if value is None else f"{value:,.0f} {currency or ''}".strip()


def _losses(shown: Shown) -> Iterator[Block]:
    yield Heading("Where planned time went, and what it is worth")
    found = shown.reader.query(f"SELECT * FROM six_big_losses('PORTFOLIO', 'MONTH', DATE '{shown.month}')")
    rows = [row for row in found.iter_rows(named=True) if row["seconds"] is not None]
    if not rows:
        yield Lines(["No plant knows its plan, its output and its ideal rates in this month."])
        return
    most = max((abs(float(row["seconds"])) for row in rows), default=0) or 1
    yield Bars([
        (row["name"], max(0.0, float(row["seconds"]) / most),
         f"{float(row['seconds']) / 3600:,.0f} h, {row['share'] or 0:.1%} of planned time, {_money(row['money'], row['currency'])}")
        for row in rows
    ])  # fmt: skip
    valued = [row for row in rows if row["money"] is not None]
    notes = ["Money at the month's average rates; '-' is not valued, which is not the same as free."]
    weight = sum(abs(float(row["seconds"])) for row in rows)
    if weight:
        share = sum(abs(float(row["seconds"])) * (row["valued"] or 0) for row in valued) / weight
        notes.append(f"{share:.0%} of the lost hours are valued.")
    reasons = sorted({loss_tables.EXPLAINED[row["why"]] for row in rows if row["why"] in loss_tables.EXPLAINED})
    notes += [f"What is missing: {'; '.join(reasons)}."] if reasons else []
    yield Lines(notes, is_note=True)


def _points(shown: Shown) -> Iterator[Block]:
    """What a point of OEE is worth, plant by plant."""
    found = shown.reader.query(f"SELECT * FROM oee_point_value('PLANT', 'MONTH', DATE '{shown.month}')").sort(
        pl.col("value").is_null(), -pl.col("value").fill_null(0), "scope_id"
    )
    if found.is_empty():
        return
    yield Heading("What one point of OEE is worth in a month like this")
    yield Grid(
        ["plant", "name", "regime", "value", "valued", "why not"],
        [[row["scope_id"], row["scope_name"] or "", (row["regime"] or "-").lower(), _money(row["value"], row["currency"]),
        f"{row['valued'] or 0:.0%}",
          loss_tables.EXPLAINED.get(row["why"] or "", "")] for row in found.head(MOST // 2).iter_rows(named=True)],
        (14, 30, 14, 22, 10, 50), (3, 4),
    )  # fmt: skip


def _changes(changes: PackDifferences) -> Iterator[Block]:
    yield Heading("What changed since the pack before, and why")
    lines = changes.lines()
    yield Lines([*lines[:30], *([f"... and {len(lines) - 30} more lines: differences.md."] if len(lines) > 30 else [])])


def _coverage(shown: Shown) -> Iterator[Block]:
    yield Heading("The data behind the numbers")
    status = shown.status
    if status.is_empty():
        yield Lines(["How far the data of each plant went was not kept when the month was closed."])
        return
    bad = status.filter(pl.col("status") != "OK")
    rejected, read = int(status["rejected"].sum()), int(status["records_read"].sum())
    yield Lines([
        f"{len(status) - len(bad)} of {len(status)} plants were up to date when the month was closed;"
        f" {rejected:,} of {read:,} records were rejected.",
        *(f"{row['plant_id']}: {row['stale_reason'] or 'no data yet'}." for row in bad.head(12).iter_rows(named=True)),
        *([f"... and {len(bad) - 12} more: kpi.xlsx, sheet Data health."] if len(bad) > 12 else []),
    ])  # fmt: skip


def _definitions() -> Iterator[Block]:
    yield Heading("Definitions")
    known = {kpi["id"]: kpi for kpi in published()["kpis"]}
    yield Grid(["KPI", "what", "formula", "definition"],
               [[kpi, known[kpi]["name"], known[kpi]["formula"], known[kpi]["definition"]] for kpi in HEADLINE], (16, 26, 36,
               98))  # fmt: skip


# --- fonts --------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Fonts:
    """Fonts that have the characters of a text, cut to them; `missing` are those that none has."""

    folder: Path
    files: list[tuple[str, str, Path]] = field(default_factory=list)
    """Family, style and file; the first is the main one."""
    missing: list[str] = field(default_factory=list)

    @staticmethod
    def of(text: set[str], folder: Path) -> Fonts:
        """The fonts of installed packages for these characters. Raises PlantlakeError without the main one."""
        found, wanted = Fonts(folder), {char for char in text if unicodedata.category(char) not in ("Cc", "Cs", "Cn")}
        candidates = [path for package in FONTS for path in _files(package)]
        main = next((path for path in candidates if path.name == MAIN), None)
        if main is None:
            raise _not_installed()
        for path in [main, *(path for path in candidates if path != main)]:
            chars = _covered(path) & {ord(char) for char in wanted}
            if path == main or chars:
                family = "main" if path == main else f"other{len(found.files)}"
                for style, weight in (("", 400), ("B", 700)):
                    found.files.append((family, style, _cut(path, chars, weight, folder / f"{family}{style}.ttf")))
                wanted -= {chr(code) for code in chars}
            if not wanted:
                break
        found.missing = sorted(wanted - {" ", "\n"})
        return found


def _files(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return []
    return sorted(
        path for path in Path(spec.submodule_search_locations[0]).rglob("*.ttf") if "Italic" not in path.name and "Emoji" not in path.name
    )


def _covered(path: Path) -> set[int]:
    from fontTools.ttLib import TTFont

    with TTFont(path, lazy=True) as font:
        return set(font.getBestCmap())


def _cut(path: Path, chars: set[int], weight: int, target: Path) -> Path:
    """The font with these characters alone, in one weight: 0.4 s where the whole variable font takes 5 to 20."""
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    options = subset.Options()
    options.layout_features, options.notdef_outline = ["*"], True
    font = TTFont(path, lazy=True, recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=chars | {32})
    cutter.subset(font)
    if "fvar" in font:
        place = {axis.axisTag: weight if axis.axisTag == "wght" else axis.defaultValue for axis in font["fvar"].axes}
        font = instancer.instantiateVariableFont(font, place)
    bytes_ = io.BytesIO()
    font.save(bytes_)
    target.write_bytes(bytes_.getvalue())
    return target


def _not_installed() -> PlantlakeError:
    return PlantlakeError(Problem("The PDF of a board pack needs packages that are not installed.",
        found="fpdf2, uharfbuzz or manimgx-fonts is missing",
                                  fix="pip install 'plantlake[board]' (names in Chinese, Japanese or Korean: 'plantlake[board,cjk]')",
                                      actor="us"))  # fmt: skip


def drawable(text: str, missing: Sequence[str]) -> str:
    """Text without control characters, and with the numbers of characters that cannot be drawn.

    >>> drawable("a" + chr(7) + "b" + chr(0x1F600), [chr(0x1F600)])
    'ab[U+1F600]'
    """
    plain = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs", "Cn") or char == "\n")
    for char in missing:
        plain = plain.replace(char, f"[U+{ord(char):04X}]")
    return plain


# --- drawing ------------------------------------------------------------------------------------------------------------------------------


def check() -> None:
    """Raises PlantlakeError when the packages for PDFs are not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("fpdf", "uharfbuzz", "fontTools", FONTS[0])):
        raise _not_installed()


def draw(blocks: Sequence[Block], target: Path, title: str, footer: str, created: datetime) -> list[str]:
    """Draws the blocks; returns what could not be drawn, in words."""
    check()
    with tempfile.TemporaryDirectory() as folder:
        text = {char for line in _texts([*blocks, Heading(title + footer)]) for char in line}
        fonts = Fonts.of(text | set("0123456789 [U+ABCDEF]/:.,"), Path(folder))
        told = (
            [f"No installed font has {listed([f'U+{ord(char):04X}' for char in fonts.missing], 12)}; they are written as their numbers."]
            if fonts.missing
            else []
        )
        page = Page(fonts, title, footer, created)
        for block in [*blocks, *([Lines(told, is_note=True)] if told else [])]:
            page.draw(block)
        page.save(target)
    return told


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Heading):
            yield block.text
        elif isinstance(block, Lines):
            yield from block.lines
        elif isinstance(block, Cards):
            yield from (text for card in block.cards for text in (card.title, card.value, card.change, card.about))
        elif isinstance(block, Bars):
            yield from (text for label, _, words in block.rows for text in (label, words))
        elif isinstance(block, Grid):
            yield from (text for row in (block.head, *block.rows) for text in row)


class Page:
    """A PDF that is being drawn, block by block, on A4 sheets."""

    def __init__(self, fonts: Fonts, title: str, footer: str, created: datetime):
        from fpdf import FPDF

        logging.getLogger("fpdf").setLevel(logging.ERROR)
        about, self._missing = drawable(footer, fonts.missing), fonts.missing

        def at_the_foot(pdf: Any) -> None:
            pdf.set_y(-12)
            pdf.set_font("main", "", 7)
            pdf.set_text_color(*GREY)
            pdf.cell(0, 6, f"{about}    {pdf.page_no()}", align="C")

        self._pdf: Any = type("Pdf", (FPDF,), {"footer": at_the_foot})(format="A4")
        self._pdf.set_creation_date(created)
        self._pdf.set_title(drawable(title, ()))
        self._pdf.set_creator("plantlake")
        for family, style, path in fonts.files:
            self._pdf.add_font(family, style, path)
        self._pdf.set_fallback_fonts(sorted({family for family, *_ in fonts.files if family != "main"}))
        self._pdf.set_text_shaping(True)
        self._pdf.set_margins(14, 12, 14)
        self._pdf.set_auto_page_break(True, 16)
        self._pdf.add_page()
        self._is_first = True

    def save(self, target: Path) -> None:
        """Writes the file."""
        target.write_bytes(bytes(self._pdf.output()))

    def draw(self, block: Block) -> None:
        """Draws a block below the last one."""
        if isinstance(block, NewPage):
            self._pdf.add_page()
        elif isinstance(block, Heading):
            self._heading(block.text)
        elif isinstance(block, Lines):
            self._lines(block)
        elif isinstance(block, Cards):
            self._cards(block.cards)
        elif isinstance(block, Bars):
            self._bars(block)
        else:
            self._grid(block)

    def _font(self, size: float, style: str = "", colour: tuple[int, int, int] = (0, 0, 0)) -> None:
        self._pdf.set_font("main", style, size)
        self._pdf.set_text_color(*colour)

    def _text(self, text: str) -> str:
        return drawable(text, self._missing)

    def _heading(self, text: str) -> None:
        size = 18 if self._is_first else 12
        self._is_first = False
        if self._pdf.get_y() > self._pdf.h - 50:
            self._pdf.add_page()
        self._pdf.ln(2)
        self._font(size, "B", DARK)
        self._pdf.multi_cell(0, size * 0.5, self._text(text), new_x="LMARGIN", new_y="NEXT", align="L")
        self._pdf.ln(1.5)

    def _lines(self, block: Lines) -> None:
        for line in block.lines:
            self._font(8 if block.is_note else 9, "", GREY if block.is_note else (0, 0, 0))
            self._pdf.multi_cell(0, 4.2, self._text(line), new_x="LMARGIN", new_y="NEXT", align="L")
        self._pdf.ln(1)

    def _cards(self, cards: Sequence[Card]) -> None:
        columns, gap, high = 4, 3, 23
        wide = (self._pdf.epw - gap * (columns - 1)) / columns
        top = self._pdf.get_y()
        for place, card in enumerate(cards):
            left, at = self._pdf.l_margin + place % columns * (wide + gap), top + place // columns * (high + gap)
            self._pdf.set_fill_color(*PALE)
            self._pdf.rect(left, at, wide, high, style="F")
            for down, size, style, colour, text in (
                (2, 8, "B", DARK, card.title), (7, 14, "B", (0, 0, 0), f"{card.value}"), (7.6, 8, "", RUST, card.change), (14.5, 6.5, "",
                GREY, card.about),
            ):  # fmt: skip
                self._font(size, style, colour)
                self._pdf.set_xy(left + 2, at + down)
                if text == card.change:
                    self._pdf.cell(wide - 4, 6, self._text(text), align="R")
                else:
                    self._pdf.multi_cell(
                        wide - 4, 3.4 if size < 8 else 5, self._text(text), align="L", max_line_height=3.2 if size < 8 else 5
                    )
        self._pdf.set_xy(self._pdf.l_margin, top + -(-len(cards) // columns) * (high + gap))

    def _bars(self, block: Bars) -> None:
        label, room, high = 52.0, self._pdf.epw * 0.34, 5.0
        for name, length, words in block.rows:
            if self._pdf.get_y() > self._pdf.h - 24:
                self._pdf.add_page()
            at = self._pdf.get_y()
            self._font(8.5)
            self._pdf.cell(label, high, self._text(name))
            self._pdf.set_fill_color(*PALE)
            self._pdf.rect(self._pdf.l_margin + label, at + 0.8, room, high - 1.6, style="F")
            self._pdf.set_fill_color(*DARK)
            self._pdf.rect(self._pdf.l_margin + label, at + 0.8, room * max(0.0, min(1.0, length)), high - 1.6, style="F")
            self._pdf.set_x(self._pdf.l_margin + label + room + 2)
            self._pdf.cell(0, high, self._text(words), new_x="LMARGIN", new_y="NEXT")
        self._pdf.ln(1.5)

    def _grid(self, block: Grid) -> None:
        from fpdf.fonts import FontFace

        self._font(7.5)
        self._pdf.set_draw_color(200, 205, 212)
        self._pdf.set_fill_color(255, 255, 255)
        style = FontFace(emphasis="BOLD", color=(255, 255, 255), fill_color=DARK)
        align = ["RIGHT" if place in block.right else "LEFT" for place in range(len(block.head))]
        with self._pdf.table(col_widths=tuple(block.widths), text_align=tuple(align), headings_style=style, line_height=4.2,
        padding=(0.5, 1.2),
                             borders_layout="HORIZONTAL_LINES", first_row_as_headings=True) as table:  # fmt: skip
            for row in (block.head, *block.rows):
                cells = table.row()
                for text in row:
                    cells.cell(self._text(text))
        self._pdf.ln(1.5)
