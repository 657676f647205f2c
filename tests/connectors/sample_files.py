"""Small builders for files of all kinds, so that a test or a sample shows what is in a file and not its bytes."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter
import zstandard
from hypothesis import strategies as st

DATA = next((up / "shared/data" for up in Path(__file__).resolve().parents if (up / "shared/data").is_dir()), Path("shared/data"))
"""Real plant files beside the checkout, or a folder that is not there."""
FORMATS = {datetime: "yyyy-mm-dd hh:mm:ss", date: "yyyy-mm-dd", time: "hh:mm:ss", timedelta: "[h]:mm:ss"}


def workbook(path: Path, sheets: dict[str, list[list[Any]]], merged: dict[str, list[list[Any]]] | None = None) -> Path:
    """Writes sheets of rows; None is an empty cell; a text '=A1' is a formula; `merged` has [range, text] by sheet."""
    with xlsxwriter.Workbook(path, {"default_date_format": FORMATS[datetime], "remove_timezone": True}) as book:
        formats = {kind: book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if type(cell) in formats:
                        sheet.write(number, column, cell, formats[type(cell)])
                    elif isinstance(cell, str) and cell.startswith("#") and cell.isupper():
                        sheet.write_formula(number, column, "=NA()", None, cell)
                    elif isinstance(cell, str) and not cell.startswith("="):
                        sheet.write_string(number, column, cell)
                    elif cell is not None:
                        sheet.write(number, column, cell)
            for place, text in (merged or {}).get(name, []):
                sheet.merge_range(place, text)
    return path


def compressed(data: bytes, how: str) -> bytes:
    """Bytes as gzip, zstd or a zip with the one member 'data.csv'."""
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    if how == "zstd":
        return zstandard.ZstdCompressor().compress(data)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", data)
    return held.getvalue()


def mutated(data: st.DataObject, seeds: list[bytes], signs: bytes) -> bytes:
    """A seed that was cut, or in which some bytes were set to one of `signs`, left out or repeated."""
    body = bytearray(data.draw(st.sampled_from(seeds)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, max(len(body) - 1, 0)))
        change = data.draw(st.sampled_from(["cut", "set", "drop", "repeat"]))
        if change == "cut":
            del body[at:]
        elif change == "set" and body:
            body[at] = data.draw(st.sampled_from(signs))
        elif change == "drop":
            del body[at : at + data.draw(st.integers(1, 5))]
        else:
            body[at:at] = body[at : at + data.draw(st.integers(1, 20))]
    return bytes(body)
