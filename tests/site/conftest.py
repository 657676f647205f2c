"""The dashboard of the sample portfolio, served as `plantlake serve` does, and a browser that looks at it.

`browser.open("/plant/deu01")` returns when the page is drawn. At the end of each test the console has to be silent, and nothing may have
been asked of another host. Elsewhere: what the browser can do (`docs.browser`), the sample (`tests/sample_portfolio.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.portfolio import read
from docs.browser import Browser, missing, served
from pipelines.lake import Lake
from publish import site
from publish.reader import Snapshot
from publish.site import values


@pytest.fixture(scope="session")
def site_folder(sample: Path, made_once: Callable[..., Path]) -> Path:
    """The folder of the sample's dashboard. Only for reading."""
    portfolio = read(sample)
    return made_once("sample_site", lambda folder: site.build(Lake(portfolio.lake), portfolio, folder))


@pytest.fixture(scope="session")
def snapshot(sample: Path) -> Iterator[Snapshot]:
    """What the pages are made of."""
    with Snapshot(Lake(read(sample).lake).snapshot) as snapshot:
        yield snapshot


@pytest.fixture
def newest_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sites that a test builds itself hold the newest month alone: a third of the time."""
    monkeypatch.setattr(values, "PERIODS", {"MONTH": 1})
    monkeypatch.setattr(values, "LOSS_PERIODS", {"MONTH": 1})


@pytest.fixture(scope="session")
def address(site_folder: Path) -> Iterator[str]:
    """Where the sample's dashboard is served."""
    with served(site_folder) as address:
        yield address


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a worker."""
    if reason := missing():
        pytest.skip(reason)
    window = Browser(tmp_path_factory.mktemp("downloads"))
    yield window
    window.quit()


@pytest.fixture
def browser(window: Browser, address: str) -> Iterator[Browser]:
    """The browser at the sample's dashboard: light, 1440 pixels wide, loaded anew."""
    yield window.at(address).theme("light").size(1440)
    assert window.noticed() == []
