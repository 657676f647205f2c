"""Files below an address of a web server (`https://host/exports`): its lists of folders, and its files.

Here: links of a page as the entries of a folder. Elsewhere: asking (`connectors.http`), what a place offers (`connectors.places.base`).

A web server has no folders, only pages that list them (nginx, Apache, IIS and Python write such). A file whose name the pattern tells
in full needs no list. A list is text for people, so the size and the time of a file are what the server says when it is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from connectors.contract import Export, Place
from connectors.errors import Problem, ReadError
from connectors.http import Http, http_date
from connectors.places.base import Entry, shown


class Web:
    """Files below an address."""

    def __init__(self, place: Place):
        self.place, self.http = place, Http(place)

    def entries(self, folder: str) -> Iterator[Entry]:
        page = self.http.get(quote(folder)).decode("utf-8", "replace")
        if "<" not in page[:2000]:
            raise self._no_list(folder)
        names = links(page, self.http.at(quote(folder)))
        yield from (Entry(name.rstrip("/"), name.endswith("/")) for name in names)

    def entry(self, name: str) -> Entry | None:
        try:
            about = self.http.head(quote(name))
        except FileNotFoundError:
            return None
        return Entry(name.rpartition("/")[2], False, _size(about.get("content-length")), http_date(about.get("last-modified")))

    def url(self, name: str) -> str:
        return shown(self.http.at(quote(name)))

    def detailed(self, exports: list[Export]) -> list[Export]:
        return list(self.http.each(exports, self._detailed))

    def copy(self, export: Export, target: Path) -> None:
        self.http.download(quote(export.name), target)

    def beside(self) -> list[str]:
        above = urljoin(self.http.base, "..")
        return [name.rstrip("/") for name in links(self.http.get(above).decode("utf-8", "replace"), above)]

    def close(self) -> None:
        self.http.close()

    def _detailed(self, export: Export) -> Export:
        if export.size is not None or export.modified is not None:
            return export
        found = self.entry(export.name)
        return replace(export, size=found.size, modified=found.modified) if found else export

    def _no_list(self, folder: str) -> ReadError:
        told = "The server gives no list of this folder."
        fix = "path: <the file's full name, without wildcards>, or let the plant switch on listings (nginx: autoindex, Apache: Indexes)"
        return ReadError(Problem(told, found=shown(self.http.at(quote(folder))), fix=fix, actor="retry"))


def links(page: str, url: str) -> list[str]:
    """Names of what a page links to in the folder at this address, folders with '/' at the end.

    >>> links('<a href="../">up</a><a href="a%20b.csv">a b</a><a href="old/">old</a><a href="?C=M">by date</a>', "http://h/x/")
    ['a b.csv', 'old/']
    >>> links('<A HREF="/x/stops.csv">stops</A><a href="/">home</a><a href="http://other/x/b.csv">b</a>', "http://h/x/")
    ['stops.csv']
    """
    parser = _Links()
    parser.feed(page)
    base = urlsplit(url)
    names: dict[str, None] = {}
    for link in parser.found:
        try:
            parts = urlsplit(urljoin(url, link))
        except ValueError:  # no address at all
            continue
        name = parts.path.removeprefix(base.path)
        if parts[:2] != base[:2] or parts.query or name == parts.path or not name or "/" in name[:-1]:
            continue
        names[unquote(name)] = None
    return list(names)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attrs if tag == "a" and key == "href" and value]


def _size(text: str | None) -> int | None:
    return int(text[:18]) if text and text.isdecimal() else None
