"""XML of any kind: paths, what stands around records, memory that does not grow, and the safe parser that all XML kinds share."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import DAMAGE, damaged, reads_or_refuses, samples
from pydantic import ValidationError

from connectors.errors import ReadError
from connectors.kinds.documents.xml import CONNECTOR, XmlOptions

DATA = Path(__file__).resolve().parents[2] / "../shared/data"

Make = Callable[..., Path]


def rows(path: Path, where: str, columns: dict[str, str] | None = None, **options: object) -> list[tuple[object, ...]]:
    frame = CONNECTOR.read(path, XmlOptions.model_validate({"rows": where, "columns": columns or {}, **options})).collect()
    return frame.drop("_row").rows()


def error(path: Path, where: str, columns: dict[str, str] | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        rows(path, where, columns)
    assert caught.value.problems[0].fix
    return str(caught.value)


# --- paths -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "found"),
    [("c", ["1", "2", "3"]), ("b/c", ["1", "2"]), ("/a/b/c", ["1", "2"]), ("/a/*/c", ["1", "2", "3"]), ("/a/c", None), ("x/*", ["3"])],
)
def test_rows_are_found_by_their_path(make: Make, where: str, found: list[str] | None) -> None:
    path = make("<a><b><c>1</c><c>2</c></b><x><c>3</c></x></a>")
    assert rows(path, where, {"c": "."}) == [(value,) for value in found or []]


def test_a_record_in_a_record_is_a_part_of_it(make: Make) -> None:
    assert rows(make("<a><b>1<b>2</b></b><b>3</b></a>"), "b", {"own": ".", "inner": "b"}) == [("1", "2"), ("3", None)]


def test_what_stands_around_is_found_before_and_behind(make: Make) -> None:
    path = make("<a t='T'><g><n>1</n><r/><r/><m>2</m></g><g><r/></g><z><y>9</y></z></a>")
    columns = {"n": "../n", "m": "../m", "t": "../../@t", "y": "../../z/y"}
    assert rows(path, "r", columns) == [("1", "2", "T", "9"), ("1", "2", "T", "9"), (None, None, "T", "9")]


def test_any_child_of_what_stands_around(make: Make) -> None:
    assert rows(make("<a><h><p>1</p></h><k><p>2</p></k><r/></a>"), "r", {"p": "../*/p"}) == [('["1", "2"]',)]


def test_text_around_children_is_whole(make: Make) -> None:
    path = make("<a><note>one <b>x</b> two <i>y</i> three</note><r>four <b>x</b> five</r></a>")
    assert rows(path, "r", {"note": "../note", "own": ".", "b": "b"}) == [("one  two  three", "four  five", "x")]


def test_levels_that_there_are_not_are_null(make: Make) -> None:
    assert rows(make("<a x='1'/>"), "a", {"x": "@x", "up": "../@x", "far": "../../../b"}) == [("1", None, None)]


def test_the_same_element_may_stand_around_at_two_levels(make: Make) -> None:
    path = make("<a><g k='1'><r/><i k='2'><r/></i></g></a>")
    assert rows(path, "r", {"near": "../@k", "far": "../../@k"}) == [("1", None), ("2", "1")]


@pytest.mark.parametrize("where", ["", "//a", "a//b", "a/@b", "ns:a", "a[1]", "a/..", "/"])
def test_what_is_no_path_of_rows_is_refused(where: str) -> None:
    with pytest.raises(ValidationError):
        XmlOptions(rows=where)


@pytest.mark.parametrize("path", ["", "/a", "a/..", "@a/b", "a[1]", "..", "../", "../.", "ns:a"])
def test_what_is_no_path_of_a_column_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        XmlOptions(rows="a", columns={"x": path})


def test_names_that_plantlake_uses_are_refused() -> None:
    with pytest.raises(ValidationError, match="_row"):
        XmlOptions(rows="a", columns={"_row": "b"})


def test_an_element_called_like_the_row_number(make: Make) -> None:
    frame = CONNECTOR.read(make("<a><b><_row>7</_row></b></a>"), XmlOptions(rows="b")).collect()
    assert frame.rows(named=True) == [{"_row": 1, "./_row": "7"}]


def test_attributes_of_one_local_name_are_both_kept(make: Make) -> None:
    path = make("<a xmlns:x='urn:x' xmlns:i='http://www.w3.org/2001/XMLSchema-instance'><b x:id='2' id='1' x:n='3' i:type='t'/></a>")
    assert CONNECTOR.read(path, XmlOptions(rows="b")).collect().rows(named=True) == [
        {"_row": 1, "@id": "1", "@x:id": "2", "@n": "3", ".": None}
    ]
    assert rows(path, "b", {"id": "@id", "n": "@n"}) == [("1", "3")]


def test_a_name_that_polars_takes_for_a_pattern_is_a_name(make: Make) -> None:
    options = XmlOptions(rows="b", columns={"^.*$": "c", "*": "../@p", "d": "d"})
    frame = CONNECTOR.read(make("<a p='9'><b><c>7</c></b></a>"), options).collect()
    assert frame.rows(named=True) == [{"_row": 1, "^.*$": "7", "*": "9", "d": None}]


def test_a_wrong_path_names_the_closest(make: Make) -> None:
    told = error(make("<Orders><Order><No>1</No></Order></Orders>"), "Orders/Order/Position")
    assert "nobody can tell the columns" in told
    assert "Closest: Orders/Order" in error(make("<Orders><Order><No>1</No></Order></Orders>"), "Ordres/Order", {"no": "No"})
    assert "no element at" in error(make("<Orders><Order/></Orders>"), "Odrer", {"no": "No"})


# --- bytes -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", None), ("utf-16-be", "utf-16"), ("cp1252", "iso-8859-1"),
        ("utf-8", "iso-8859-1"), ("utf-8", "UTF-16"), ("utf-8", "windows-1250"), ("cp1250", "windows-1250"), ("ascii", "us-ascii"),
        ("shift_jis", "Shift_JIS"), ("utf-8-sig", "utf-16"),
    ],
)  # fmt: skip
def test_encodings_are_what_the_bytes_prove(make: Make, encoding: str, declared: str | None) -> None:
    word = {"ascii": "Groesse", "shift_jis": "温度"}.get(encoding, "Größe")
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    assert rows(make(f"{head}<a><b>{word}</b></a>", encoding=encoding), "b") == [(word,)]


def test_a_stated_encoding_wins(make: Make) -> None:
    assert rows(make("<?xml version='1.0' encoding='utf-8'?><a><b>Größe</b></a>", encoding="cp850"), "b", encoding="cp850") == [("Größe",)]
    assert "no encoding 'utf9'" in error(make("<?xml version='1.0' encoding='utf9'?><a/>"), "a")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<a>\n<b>", "truncated: it ends in line 2"),
        ("<a><b>1</b>", "truncated"),
        ("<a><b c='1", "truncated"),
        ("<a><b>1</b></a", "truncated"),
        ("<a>\n<b>1</c></a>", "not well-formed XML in line 2"),
        ("<a><b>1 & 2</b></a>", "not well-formed"),
        ("<a><b>\x01</b></a>", "not well-formed"),
        (" <?xml version='1.0'?><a/>", "blanks before the first"),
        ("<a/><a/>", "several documents"),
        ("<a>\x00</a>", "binary"),
        ("\n \n", "empty"),
        ("<!-- only -->", "truncated"),
        ("<html><body/></html>", "HTML"),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a><b>&x;</b></a>", "entities"),
        ("<!DOCTYPE a SYSTEM 'x.dtd'><a><b c='&x;'>1</b></a>", "entities"),
        ("<a>" * 257, "256 levels"),
    ],
)  # fmt: skip
def test_damage_says_what_and_where(make: Make, text: str, told: str) -> None:
    assert told in error(make(text), "b", {"b": "."})


def test_entities_that_grow_do_not(make: Make) -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    assert "entities" in error(make(f"<!DOCTYPE a [<!ENTITY e0 'ha'>{bomb}]><a><b>&e9;</b></a>"), "b")


def test_a_text_of_more_than_ten_megabytes_is_refused(make: Make) -> None:
    assert "10 MB" in error(make(f"<a><b>{'x' * 10_500_000}</b></a>"), "b")


def test_lines_of_originals(make: Make) -> None:
    path = make("<a>\n<b>1</b>\n<b n='2'><c>é</c></b>\n</a>")
    found = CONNECTOR.originals(path, XmlOptions(rows="b"), "rows", [2])
    assert {row: (one.place, one.text) for row, one in found.items()} == {2: ("line 3", '<b n="2"><c>é</c></b>')}


# --- size --------------------------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_file(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the records take the same memory of Python, and libxml2's tree holds one record at a time."""
    monkeypatch.setattr("connectors.kinds.files.record_frames.HELD_ROWS", 500)
    options = XmlOptions(rows="r", columns={"n": "n", "t": "../@t", "h": "../h"})
    peaks = []
    for count in (2_000, 20_000):
        path = make(f"<a t='1'><h>head</h>{'<r><n>1</n><pad>' + 'x' * 200 + '</pad></r>' * 1}{'<r><n>1</n><q/></r>' * count}</a>")
        tracemalloc.start()
        frame = CONNECTOR.read(path, options)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert frame.collect().height == count + 1
    assert peaks[1] < 2 * peaks[0]


FILES = samples("xml", ".xml") + samples("mtconnect", ".xml")


@settings(max_examples=120, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), DAMAGE, st.sampled_from(["Stop", "Line/Stop", "Events/*", "a"]), st.booleans())
def test_law_damage_gives_a_frame_or_an_error_with_a_mend(
    make: Make, file: bytes, damage: list[tuple[float, int, str, bytes]], where: str, is_stated: bool
) -> None:
    path = make(damaged(file, damage), name="damaged.xml")
    columns = {"id": "@id", "line": "../@code", "plant": "../../Checked"} if is_stated else {}
    reads_or_refuses(lambda: CONNECTOR.read(path, XmlOptions(rows=where, columns=columns)))


NAMES = st.text("abc", min_size=1, max_size=3)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff\ufffe\uffff"), min_size=1, max_size=8)


@settings(max_examples=60, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUES.filter(str.strip), st.lists(VALUES.filter(str.strip), max_size=4)), min_size=1, max_size=5))
def test_law_every_record_arrives_once_with_its_group(make: Make, groups: list[tuple[str, list[str]]]) -> None:
    from xml.sax.saxutils import escape

    text = "".join(f"<g><name>{escape(name)}</name>{''.join(f'<r>{escape(value)}</r>' for value in values)}</g>" for name, values in groups)
    found = rows(make(f"<a>{text}</a>", name="law.xml"), "g/r", {"value": ".", "group": "../name"})
    assert found == [(value, name) for name, values in groups for value in values]


@pytest.mark.skipif(not (DATA / "mtc_misc_xml").is_dir(), reason="the real documents are not beside the checkout")
def test_real_documents() -> None:
    columns = {"id": "@dataItemId", "component": "../../@name", "device": "../../../@name"}
    found = rows(DATA / "mtc_misc_xml/Current-Mazak-1.5.xml", "Events/Execution", columns)
    assert [one[0] for one in found] == ["exec", "exec2"]
    assert len(rows(DATA / "mtc_misc_xml/Current-Mazak-2.0.xml", "Cell")) == 1336
