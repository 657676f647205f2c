"""Damage as networks, disks and editors do it, for the fuzz tests of kinds that read documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
from hypothesis import strategies as st

from connectors.errors import ReadError

PIECES = (
    b"<",
    b">",
    b"/",
    b'"',
    b"&",
    b"\x00",
    b"\xff",
    b"<a>",
    b"</a>",
    b"<!--",
    b"]]>",
    b"&x;",
    b"<!DOCTYPE a>",
    b"{",
    b"]",
    b"\\ud800",
    b"null",
)
DAMAGE = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(["cut", "drop", "insert", "repeat"]), st.sampled_from(PIECES)),
    min_size=1, max_size=4,
)  # fmt: skip


def damaged(data: bytes, damage: list[tuple[float, int, str, bytes]]) -> bytes:
    """The bytes cut off, with some missing, inserted or doubled, at places between 0 (the start) and 1 (the end)."""
    for place, length, how, piece in damage:
        at = int(place * len(data))
        if how == "cut":
            data = data[:at]
        elif how == "drop":
            data = data[:at] + data[at + length :]
        elif how == "insert":
            data = data[:at] + piece + data[at:]
        else:
            data = data[: at + length] + data[at : at + length] + data[at + length :]
    return data


def reads_or_refuses(read: Callable[[], pl.LazyFrame]) -> None:
    """A frame, or a ReadError with a mend: nothing else may come of bytes."""
    try:
        frame = read().collect()
    except ReadError as error:
        assert error.problems[0].message
        assert error.problems[0].fix
    else:
        assert frame.columns[0] == "_row"


def samples(kind: str, suffix: str) -> list[bytes]:
    """The sound files of a kind's samples."""
    folder = Path(__file__).parent / "samples" / kind
    return sorted({path.read_bytes() for path in folder.glob(f"*/*{suffix}")})
