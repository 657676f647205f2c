"""A headless Chromium over the dashboard, for its tests and for the pictures of these pages.

Here: opening a page and waiting until it is drawn, and what the browser noticed meanwhile. Elsewhere: the server (`publish.site.server`),
what has to hold (`tests/site`), which pictures there are (`docs.pictures`). Needs selenium (extra `test`), chromium and chromedriver.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from publish.site.server import Server

PROGRAMS = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "chromedriver": ("chromedriver",)}
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars", "--lang=en-US",
    "--force-color-profile=srgb", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip
OWN = ("data:", "blob:", "about:", "chrome:")
PATIENCE_S = 20.0


def missing() -> str | None:
    """Why there is no browser here; None when there is one."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium is not installed (pip install 'plantlake[test]')"
    absent = [name for name, programs in PROGRAMS.items() if not _found(programs)]
    return f"no {' and no '.join(absent)} on this machine (Debian: apt-get install chromium chromium-driver)" if absent else None


def _found(programs: tuple[str, ...]) -> str | None:
    return next((path for path in map(shutil.which, programs) if path), None)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a site's folder, as `plantlake serve` serves it."""
    with Server(folder) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.address
        server.shutdown()


class Browser:
    """One window. `open` returns when the page is drawn; `noticed` tells what no page may do."""

    def __init__(self, downloads: Path):
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = _found(PROGRAMS["chromium"]) or ""
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads), "download.prompt_for_download": False})
        service = webdriver.ChromeService(_found(PROGRAMS["chromedriver"]))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.downloads, self.base = downloads, ""
        self.size(1440, 1000)

    def quit(self) -> None:
        self.driver.quit()

    # --- going somewhere ---

    def at(self, base: str) -> Browser:
        """This browser, looking at the site of that address."""
        if base != self.base:
            self.base = base
            self.driver.get("about:blank")
        self.noticed()
        return self

    def open(self, place: str = "/portfolio", fresh: bool = False) -> Browser:
        """Goes to `#PLACE` as a link would, or by loading the page anew, and waits until it is drawn."""
        address = f"{self.base}#{place}"
        if fresh or not self.driver.current_url.startswith(self.base):
            self.driver.get("about:blank")
            self.driver.get(address)
        elif self.driver.current_url != address:
            return self.follow(lambda: self.run("location.href = arguments[0]", address))
        return self.drawn()

    def follow(self, action: Callable[[], Any]) -> Browser:
        """Does what leads to another state, and waits until that is drawn."""
        self.run("document.getElementById('main').setAttribute('aria-busy', 'true')")
        action()
        return self.drawn()

    def drawn(self) -> Browser:
        """Waits until the page says so."""
        self.until("return document.getElementById('main')?.getAttribute('aria-busy') === 'false'", "the page to be drawn")
        return self

    def until(self, script: str, what: str) -> Any:
        """Waits for a script to return something true."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if found := self.run(script):
                return found
            time.sleep(0.03)
        raise AssertionError(f"waited {PATIENCE_S:.0f} s for {what} at {self.driver.current_url}: {self.noticed()}")

    def settled(self) -> Browser:
        """Waits until a change of size has reached the charts."""
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 50)))")
        return self

    def whole(self) -> Browser:
        """Makes the window as high as the page, so that every chart is drawn, and opens every table."""
        self.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        width, height = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        return self.size(int(width), min(int(height) + 50, 20000)).settled()

    # --- looking and doing ---

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def all(self, css: str) -> list[Any]:
        """The elements of a selector."""
        return self.driver.find_elements("css selector", css)

    def one(self, css: str) -> Any:
        """The first element of a selector. Raises AssertionError when there is none."""
        found = self.all(css)
        assert found, f"no {css} at {self.driver.current_url}"
        return found[0]

    def texts(self, css: str) -> list[str]:
        """The texts of a selector's elements, shown or not."""
        return [
            " ".join(text.split()) for text in self.run("return [...document.querySelectorAll(arguments[0])].map(n => n.textContent)", css)
        ]

    def chosen(self, within: str = "body") -> dict[str, str]:
        """What the filters stand at, by their names."""
        script = "return Object.fromEntries([...document.querySelectorAll(`${arguments[0]} select`)].map(one => [one.name, one.value]))"
        return dict(self.run(script, within))

    def choose(self, name: str, value: str) -> None:
        """Chooses in a filter as a reader does."""
        from selenium.webdriver.support.ui import Select

        Select(self.one(f"select[name='{name}']")).select_by_value(value)

    def keys(self, *keys: str) -> Browser:
        """Presses keys, one after the other, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
        return self

    def focused(self) -> Any:
        """The element that has the focus."""
        return self.driver.switch_to.active_element

    def size(self, width: int, height: int = 1000) -> Browser:
        """The size of the page itself, in CSS pixels; below 500 a window cannot be made that narrow."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        return self

    def theme(self, name: str) -> Browser:
        """What the system prefers, `light` or `dark`; the page is loaded anew at the next `open`."""
        wish = {"features": [{"name": "prefers-color-scheme", "value": name}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", wish)
        self.driver.get("about:blank")
        return self

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def downloaded(self, action: Callable[[], Any]) -> Path:
        """The file that an action saves."""
        before = set(self.downloads.iterdir())
        action()
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            new = [path for path in self.downloads.iterdir() if path not in before and path.suffix != ".crdownload" and path.name[0] != "."]
            if new:
                return new[0]
            time.sleep(0.03)
        raise AssertionError(f"nothing was saved at {self.driver.current_url}: {self.noticed()}")

    def pdf(self) -> bytes:
        """The page as it would be printed."""
        printed = self.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
        return base64.b64decode(printed["data"])

    @contextmanager
    def on_paper(self, width: int = 718) -> Iterator[None]:
        """The page as it is laid out for A4: 190 mm between the margins."""
        self.size(width)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        self.run("dispatchEvent(new Event('beforeprint'))")
        yield
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

    def png(self) -> bytes:
        """What is on the screen."""
        return bytes(self.driver.get_screenshot_as_png())

    # --- what no page may do ---

    def noticed(self) -> list[str]:
        """Messages of the console, and requests to anything but the site, since this was asked the last time."""
        said = [f"console: {entry['message']}" for entry in self.driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
        return said + [f"request: {url}" for url in self._asked_for() if not url.startswith((self.base, *OWN))]

    def _asked_for(self) -> Iterator[str]:
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                yield message["params"]["request"]["url"]
