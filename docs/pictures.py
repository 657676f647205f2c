"""The pictures of these pages, all of the sample portfolio: the dashboard in a real browser, the workbook in a real spreadsheet, and the
tables of a report.

Here: which pictures there are. Elsewhere: the browser (`docs.browser`), what is shown (`publish`). `python -m docs.pictures demo` takes
them of a refreshed sample portfolio; `make demo` writes one. Needs chromium, chromedriver, LibreOffice (soffice) and poppler-utils.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from connectors.portfolio import Portfolio, read
from docs.browser import Browser, missing, served
from pipelines.lake import Lake
from pipelines.views import listed
from publish import mirror, site
from publish.reader import Snapshot

FOLDER = Path(__file__).resolve().parent / "pictures"
MONTH = "period=MONTH:2026-10-01"
PAGES = {
    "portfolio": (f"/portfolio?{MONTH}", 1010),
    "compare": (f"/compare?{MONTH}&plants=usa01,gbr01", 640),
    "plant": (f"/plant/deu01?{MONTH}", 1290),
    "trust": ("/trust", 640),
}
"""Name: the address on the site, and how many pixels of the page are shown."""
WIDTH = 1440
SHEET = "Any plants, any months"
"""What stands on top of the sheet of the workbook that is shown."""
PROGRAMS = {"soffice": "libreoffice-calc-nogui", "pdftoppm": "poppler-utils", "pdftotext": "poppler-utils"}


def take(portfolio: Path, folder: Path = FOLDER) -> list[Path]:
    """Takes every picture of a refreshed portfolio; returns where they are. Raises RuntimeError where a program is missing."""
    absent = [
        f"no {program} on this machine (Debian: apt-get install {of})" for program, of in PROGRAMS.items() if not shutil.which(program)
    ]
    if reasons := [*filter(None, [missing()]), *absent]:
        raise RuntimeError("; ".join(reasons))
    known = read(portfolio)
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        pictures = {**dashboard(known, Path(scratch)), "workbook": workbook(known, Path(scratch))}
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(small(picture))
    return [folder / f"{name}.png" for name in pictures]


def dashboard(known: Portfolio, scratch: Path) -> dict[str, bytes]:
    """The pages of the dashboard, and the tables of a report, which the browser draws too."""
    site.build(Lake(known.lake), known, scratch / "site")
    with served(scratch / "site") as address:
        browser = Browser(scratch)
        try:
            browser.at(address).theme("light")
            found = {name: browser.size(WIDTH, height).open(place, fresh=True).settled().png() for name, (place, height) in PAGES.items()}
            drawing = base64.b64encode(star(known).encode()).decode()
            browser.size(980, 470).driver.get(f"data:image/svg+xml;base64,{drawing}")
            return {**found, "star": browser.png()}
        finally:
            browser.quit()


def workbook(known: Portfolio, scratch: Path) -> bytes:
    """A sheet of kpi.xlsx as a spreadsheet prints it, without its margins."""
    from PIL import Image, ImageChops

    profile = f"-env:UserInstallation=file://{scratch}/profile"
    convert = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(scratch), str(Lake(known.lake).workbook)]
    subprocess.run(convert, check=True, capture_output=True, timeout=120)
    pages = subprocess.run(["pdftotext", str(scratch / "kpi.pdf"), "-"], check=True, capture_output=True, text=True).stdout.split("\f")
    page = str(next(number for number, text in enumerate(pages, start=1) if text.startswith(SHEET)))
    picture = ["pdftoppm", "-f", page, "-l", page, "-r", "170", "-png", "-singlefile", str(scratch / "kpi.pdf"), str(scratch / "sheet")]
    subprocess.run(picture, check=True)
    sheet = Image.open(scratch / "sheet.png").convert("RGB")
    sheet = sheet.crop((0, 0, sheet.width, int(sheet.height * 0.93)))  # without the foot of the page
    left, top, right, bottom = ImageChops.difference(sheet, Image.new("RGB", sheet.size, "white")).getbbox() or (0, 0, *sheet.size)
    packed = io.BytesIO()
    sheet.crop((max(0, left - 20), max(0, top - 20), right + 20, bottom + 20)).save(packed, "PNG")
    return packed.getvalue()


# --- the tables of a report -----------------------------------------------------------------------------------------------------------


def star(known: Portfolio) -> str:
    """The mirror's view of days with the tables around it, as SVG: columns, keys and how many rows the portfolio has of each."""
    sides = [column.split(" AS ")[-1] for column in mirror.SIDES.format(unit="").split(", ")]
    with Snapshot(Lake(known.lake).snapshot) as reader:
        days = (
            "SELECT count(*) FROM kpi_value WHERE scope_type = 'PLANT' AND period_type = 'DAY' AND denominator IS NOT NULL"
            f" AND kpi_id || ' ' || profile IN ({listed(mirror.ADDITIVE)})"
        )
        counts = {"kpi_plant_day": reader.rows(days)[0][0]}
        counts |= {name: reader.rows(f"SELECT count(*) FROM {name}")[0][0] for name in ("plant", "kpi_definition")}
        columns = {name: reader.query(f"SELECT * FROM {name} LIMIT 0").columns for name in ("plant", "kpi_definition")}
    boxes = [
        box(20, 30, "plant", counts["plant"], _shown(columns["plant"], "plant_id", "plant_name", "company", "country_code", "timezone")),
        box(20, 260, "your calendar", None, [("day", True), ("month", False), ("quarter", False)]),
        box(365, 30, "kpi_plant_day", counts["kpi_plant_day"], [(name, name in sides[:4]) for name in sides]),
        box(710, 30, "kpi_definition", counts["kpi_definition"],
            _shown([*columns["kpi_definition"], "is_additive"], "kpi_id", "profile", "name", "unit", "trend", "is_additive", keys=2)),
    ]  # fmt: skip
    lines = [line(270, 75, 365, 123, "1", "*"), line(270, 305, 365, 147, "1", "*"), line(710, 75, 615, 75, "1", "*")]
    told = (
        '<text x="365" y="385" class="told">OEE = sum(numerator) / sum(denominator),</text>'
        '<text x="365" y="407" class="told">one kpi_id and one profile at a time.</text>'
        '<text x="365" y="429" class="told">Beside it: sum(units_in) / sum(units_of).</text>'
    )
    style = (
        "text { font: 15px sans-serif; fill: #1a2233 } .name { font-weight: 700 } .key { font-weight: 700; fill: #1c5bbf }"
        " .soft { fill: #5b6577; font-size: 13px } .told { font: 15px monospace } rect { fill: #fff; stroke: #c8d0dd }"
        " path { stroke: #5b6577; fill: none; stroke-width: 1.5 }"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="980" height="470"><style>{style}</style>'
        f'<rect x="-1" y="-1" width="982" height="472"/>{"".join([*lines, *boxes])}{told}</svg>'
    )


def _shown(columns: Sequence[str], *names: str, keys: int = 1) -> list[tuple[str, bool]]:
    """The columns of these names that there are; the first ones are the key."""
    return [(name, place < keys) for place, name in enumerate(names) if name in columns]


def box(x: int, y: int, name: str, rows: int | None, columns: Sequence[tuple[str, bool]]) -> str:
    """A table: its name, its rows, its columns with those of the key in bold."""
    text = [f'<text x="{x + 14}" y="{y + 24}" class="name">{name}</text>']
    text += [f'<text x="{x + 236}" y="{y + 24}" class="soft" text-anchor="end">{rows:,} rows</text>'] if rows is not None else []
    for place, (column, is_key) in enumerate(columns):
        text.append(f'<text x="{x + 14}" y="{y + 52 + 24 * place}" class="{"key" if is_key else ""}">{re.sub("&", "&amp;", column)}</text>')
    return f'<rect x="{x}" y="{y}" width="250" height="{50 + 24 * len(columns)}" rx="8"/>{"".join(text)}'


def line(x0: int, y0: int, x1: int, y1: int, one: str, many: str) -> str:
    """A relation between two tables, with how many rows of each belong together."""
    middle, side = (x0 + x1) // 2, 8 if x1 > x0 else -16
    return (
        f'<path d="M{x0} {y0} C{middle} {y0} {middle} {y1} {x1} {y1}"/><text x="{x0 + side}" y="{y0 - 6}" class="soft">{one}</text>'
        f'<text x="{x1 - side - 8}" y="{y1 - 6}" class="soft">{many}</text>'
    )


def small(png: bytes) -> bytes:
    """The picture with a palette of its own: a third of the bytes."""
    from PIL import Image

    packed = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    for path in take(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")):
        print(path)  # noqa: T201
