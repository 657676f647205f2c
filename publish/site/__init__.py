"""The dashboard: a folder of static files that any file server can serve. No server part, no request to another host.

Here: building it, whole or not at all. Elsewhere: the figures it holds (`publish.site.values`, `.filters`, `.plants`, `.trust`), the pages
(`publish/site/static`: plain ES modules, ECharts and hyparquet vendored with their licences), serving it (`publish.site.server`).

Layout of the folder: `index.html` names the files of one release in `data/<release>` and the program in `assets/<digest>`. It is
swapped last, by one rename: who opens the page sees the old release or the new, never a part of each.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from connectors.portfolio import Portfolio
from pipelines.lake import Lake

STATIC = Path(__file__).parent / "static"
KEPT = 3
"""Releases and programs that stay for pages which are open."""


def build(
    lake: Lake, portfolio: Portfolio, folder: Path, tell: Callable[[str], None] = lambda _: None, named: str | None = None
) -> Path:  # fmt: skip
    """Writes the site of the published snapshot into `folder`; returns its index.html.

    `named` is how its data are called there, for one that is written once; else each has a name of its own, and open pages keep theirs.
    """
    from publish.reader import Snapshot
    from publish.site import filters, plants, trust, values

    part = folder / f".{uuid.uuid4().hex}.part"
    try:
        with Snapshot(lake.snapshot) as reader:
            folder.mkdir(parents=True, exist_ok=True)
            figures = values.write(reader, lake, portfolio, part, tell)
            filters.write(reader, lake, part, figures, tell)
            plants.write(reader, lake, portfolio, part, figures, tell)
            trust.write(reader, lake, portfolio, part, tell)
        data = _kept(folder / "data", named or f"{figures.release}-{uuid.uuid4().hex[:8]}")
        part.rename(data)
        assets = _assets(folder)
        _swap(folder, data, assets)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _forget(folder / "data", data)
    _forget(folder / "assets", assets)
    return folder / "index.html"


def _kept(parent: Path, name: str) -> Path:
    parent.mkdir(exist_ok=True)
    return parent / name


def _assets(folder: Path) -> Path:
    """The program under its digest: a browser never mixes two versions of it."""
    digest = hashlib.sha256()
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(file.relative_to(STATIC).as_posix().encode() + file.read_bytes())
    place = _kept(folder / "assets", digest.hexdigest()[:12])
    if not place.exists():
        part = folder / f".{uuid.uuid4().hex}.part"
        shutil.copytree(STATIC, part, ignore=shutil.ignore_patterns("index.html"))
        part.rename(place)
    os.utime(place)
    return place


def _swap(folder: Path, data: Path, assets: Path) -> None:
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    for name, path in (("data", data), ("assets", assets)):
        text = text.replace(f"{{{name}}}", path.relative_to(folder).as_posix())
    part = folder / f".{uuid.uuid4().hex}.part"
    part.write_text(text, encoding="utf-8")
    part.replace(folder / "index.html")


def _forget(parent: Path, current: Path) -> None:
    """Removes what no open page can still ask for."""
    older = sorted((path for path in parent.iterdir() if path != current), key=lambda path: path.stat().st_mtime)
    for path in older[: -KEPT or None]:
        with suppress(OSError):
            shutil.rmtree(path)
