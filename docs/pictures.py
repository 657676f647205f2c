"""The pictures of these pages: the dashboard of the sample portfolio, drawn by a real browser.

Here: which pictures there are. Elsewhere: the browser (`docs.browser`), the site (`publish.site`). `python -m docs.pictures demo` takes
them of a refreshed sample portfolio; `make demo` writes one.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from connectors.portfolio import read
from docs.browser import Browser, missing, served
from pipelines.lake import Lake
from publish import site

FOLDER = Path(__file__).resolve().parent / "pictures"
MONTH = "period=MONTH:2026-10-01"
PICTURES = {
    "portfolio": (f"/portfolio?{MONTH}", 1010),
    "compare": (f"/compare?{MONTH}&plants=usa01,gbr01", 640),
    "plant": (f"/plant/deu01?{MONTH}", 1290),
    "trust": ("/trust", 640),
}
"""Name: the address on the site, and how many pixels of the page are shown."""
WIDTH = 1440


def take(portfolio: Path, folder: Path = FOLDER) -> list[Path]:
    """Takes every picture of a refreshed portfolio; returns where they are. Raises RuntimeError without a browser."""
    if reason := missing():
        raise RuntimeError(reason)
    known = read(portfolio)
    folder.mkdir(exist_ok=True)
    taken = []
    with tempfile.TemporaryDirectory() as scratch:
        site.build(Lake(known.lake), known, Path(scratch) / "site")
        with served(Path(scratch) / "site") as address:
            browser = Browser(Path(scratch))
            try:
                browser.at(address).theme("light")
                for name, (place, height) in PICTURES.items():
                    browser.size(WIDTH, height).open(place, fresh=True).settled()
                    path = folder / f"{name}.png"
                    path.write_bytes(small(browser.png()))
                    taken.append(path)
            finally:
                browser.quit()
    return taken


def small(png: bytes) -> bytes:
    """The picture with a palette of its own: a third of the bytes."""
    from PIL import Image

    packed = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    for path in take(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")):
        print(path)  # noqa: T201
