"""SAP IDocs: segments of any type with what stands around them, several documents in one file, fields that SAP leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import DAMAGE, damaged, reads_or_refuses, samples

from connectors.errors import ReadError
from connectors.kinds.documents.sap_idoc import CONNECTOR, CONTROL, SapIdocOptions

DATA = Path(__file__).resolve().parents[2] / "../shared/data/idoc_sap_dm"

Make = Callable[..., Path]


def read(path: Path, records: str = CONTROL, **options: object) -> pl.DataFrame:
    return CONNECTOR.read(path, SapIdocOptions.model_validate(options), records).collect()


def idoc(inner: str, control: str = "<EDI_DC40 SEGMENT='1'><DOCNUM>1</DOCNUM></EDI_DC40>") -> str:
    return f"<ORDERS05><IDOC BEGIN='1'>{control}{inner}</IDOC></ORDERS05>"


def test_an_idoc_without_a_control_record(make: Make) -> None:
    found = read(make(idoc("<E1A SEGMENT='1'><B>1</B></E1A>", control="")), "E1A")
    assert found.select("EDI_DC40.DOCNUM", "B").rows() == [(None, "1")]
    assert read(make(idoc("", control="")), CONTROL)["DOCNUM"].to_list() == [None]


def test_the_control_record_of_old_releases(make: Make) -> None:
    assert read(make(idoc("", control="<EDI_DC SEGMENT='1'><DOCNUM>7</DOCNUM></EDI_DC>")))["DOCNUM"].to_list() == ["7"]


def test_a_segment_without_fields_is_a_row(make: Make) -> None:
    assert read(make(idoc("<E1A SEGMENT='1'/><E1A SEGMENT='1'/>")), "E1A").height == 2
    assert read(make(idoc("<E1A><E1B SEGMENT='1'/></E1A>")), "E1B").height == 1


def test_a_segment_in_its_like(make: Make) -> None:
    found = read(make(idoc("<E1A SEGMENT='1'><X>1</X><E1A SEGMENT='1'><X>2</X></E1A></E1A>")), "E1A")
    assert found.select("X", "E1A.X").rows() == [("1", None), ("2", "1")]


def test_a_field_twice_is_a_list_and_an_empty_one_nothing(make: Make) -> None:
    found = read(make(idoc("<E1A SEGMENT='1'><X>1</X><X>2</X><Y/><Z> a </Z></E1A>")), "E1A")
    assert found.select("X", "Y", "Z").rows() == [('["1", "2"]', None, " a ")]


def test_fields_that_are_named_are_columns_in_every_export(make: Make) -> None:
    path = make(idoc("<E1A SEGMENT='1'><X>1</X></E1A>"))
    assert read(path, "E1A", fields={"E1A": ["Y", "X"]}).columns[-2:] == ["Y", "X"]
    assert read(path, "E1B", fields={"E1B": ["Y"]}).height == 0
    with pytest.raises(ReadError, match="no segment 'E1B'"):
        read(path, "E1B")


def test_an_envelope_around_does_not_matter(make: Make) -> None:
    inner = idoc("<E1A SEGMENT='1'><X>1</X></E1A>")
    assert read(make(f"<s:Envelope xmlns:s='urn:x'><s:Body>{inner}</s:Body></s:Envelope>"), "E1A")["X"].to_list() == ["1"]


def test_more_idocs_than_are_kept_in_memory(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.kinds.files.record_frames.HELD_ROWS", 3)
    one = "<IDOC BEGIN='1'><EDI_DC40><DOCNUM>{0}</DOCNUM></EDI_DC40><E1A SEGMENT='1'><X{0}>{0}</X{0}></E1A></IDOC>"
    found = read(make(f"<A>{''.join(one.format(n) for n in range(10))}</A>"), "E1A")
    assert found["_row"].to_list() == list(range(1, 11))
    assert found["EDI_DC40.DOCNUM"].to_list() == [str(n) for n in range(10)]
    assert found.row(7, named=True) | {"X7": None} == dict.fromkeys(found.columns) | {
        "_row": 8,
        "_idoc": "8",
        "EDI_DC40.DOCNUM": "7",
    }
    assert found["X7"].drop_nulls().to_list() == ["7"]


FILES = samples("sap_idoc", ".xml")


@settings(max_examples=80, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), DAMAGE, st.sampled_from([CONTROL, "E1AFVOL", "E1RESBL"]))
def test_law_damage_gives_a_frame_or_an_error_with_a_mend(
    make: Make, file: bytes, damage: list[tuple[float, int, str, bytes]], records: str
) -> None:
    path = make(damaged(file, damage), name="damaged.xml")
    reads_or_refuses(lambda: CONNECTOR.read(path, SapIdocOptions(), records))


@pytest.mark.skipif(not DATA.is_dir(), reason="the real IDocs are not beside the checkout")
def test_idocs_of_sap_samples() -> None:
    """Compared with what a search for the elements finds in the text of the files."""
    (order,) = DATA.glob("LOIPRO*.xml")
    written = order.read_text(encoding="utf-8")
    for segment in ("E1AFKOL", "E1AFVOL", "E1RESBL", "E1JSTKL", "E1AFVOL2"):
        assert read(order, segment).height == written.count(f"<{segment}>"), segment
    operations, components = read(order, "E1AFVOL"), read(order, "E1RESBL")
    assert operations["VORNR"].to_list() == re.findall("<VORNR>(.*?)</VORNR>", written)
    assert operations["ARBPL"].drop_nulls().to_list() == re.findall("<ARBPL>(.+?)</ARBPL>", written)  # behind a segment in some
    assert operations["E1AFKOL.AUFNR"].unique().to_list() == re.findall("<AUFNR>(.*?)</AUFNR>", written)
    assert components["BDMNG"].to_list() == re.findall("<BDMNG>(.*?)</BDMNG>", written)
    assert set(components["E1AFVOL.VORNR"]) <= {*operations["VORNR"]}
    for path in DATA.glob("*_IDOC.xml"):
        material = read(path, "E1MARAM")
        assert material["MATNR"].to_list() == re.findall("<MATNR>(.*?)</MATNR>", path.read_text(encoding="utf-8"))[:1]
        assert material["EDI_DC40.MESTYP"].to_list() == ["MATMAS"]
