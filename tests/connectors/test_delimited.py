"""Delimited text, beyond the samples: what decides the layout, and that both ways to the records agree."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from connectors.errors import ReadError
from connectors.kinds.files.delimited import CONNECTOR, DelimitedOptions, sniff

Make = Callable[..., Path]
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real plant files lie beside the checkout")


def rows(path: Path, **options: Any) -> list[tuple[Any, ...]]:
    return CONNECTOR.read(path, DelimitedOptions.model_validate(options)).collect().rows()


def columns(path: Path, **options: Any) -> list[str]:
    return CONNECTOR.read(path, DelimitedOptions.model_validate(options)).collect_schema().names()


def error(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        CONNECTOR.read(path, DelimitedOptions.model_validate(options)).collect()
    return str(caught.value)


# --- bytes ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_detected(make: Make, encoding: str) -> None:
    path = make("Größe;Wert\r\n10 µm;5 °C\r\n" * 1, encoding=encoding)
    assert columns(path) == ["_row", "Größe", "Wert"]
    assert rows(path) == [(1, "10 µm", "5 °C")]


def test_a_stated_encoding_wins(make: Make) -> None:
    path = make("설비;값\nA;1\n", encoding="cp949")
    assert columns(path, encoding="cp949") == ["_row", "설비", "값"]


def test_a_wrong_encoding_names_the_right_one(make: Make) -> None:
    told = error(make("Größe;Wert\n1;2\n", encoding="cp1252"), encoding="utf-8")
    assert "not in the encoding 'utf-8'" in told
    assert "options.encoding: cp1252" in told
    assert "no encoding 'utf9'" in error(make("Größe\n1\n"), encoding="utf9")


def test_a_file_cut_inside_a_character_is_truncated_and_not_cp1252(make: Make) -> None:
    assert "truncated" in error(make("Größe;Wert\n1;µ", cut=1))


@pytest.mark.parametrize("how", ["gzip", "zstd", "zip"])
def test_compression_is_seen_by_its_bytes_whatever_the_name(make: Make, how: str) -> None:
    assert rows(make("a;b\n1;2\n", compress=how)) == [(1, "1", "2")]


@pytest.mark.parametrize("how", ["gzip", "zstd", "zip"])
@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_truncated_copy_is_an_error(make: Make, how: str, cut: int) -> None:
    text = "a;b\n" + "".join(f"{n};{n * 7919 % 1000}\n" for n in range(500))
    assert "truncated or damaged" in error(make(text, compress=how, cut=cut))


@pytest.mark.parametrize("how", ["gzip", "zstd", "zip"])
def test_a_bomb_is_left_packed(make: Make, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 MB of one letter in 30 kB or less, where at most 10 MB (or 200 times the size) are unpacked."""
    monkeypatch.setattr("connectors.kinds.files.text.BOMB_BYTES", 10 << 20)
    path = make(b"a" * (30 << 20), compress=how)
    assert "unpacks to much more than any export does" in error(path)
    assert max(file.stat().st_size for file in path.parent.iterdir()) < 80 << 20


def test_several_frames_of_zstd_are_one_text(make: Make) -> None:
    from sample_files import compressed

    assert rows(make(compressed(b"a;b\n1;2\n", "zstd") + compressed(b"3;4\n", "zstd"))) == [(1, "1", "2"), (2, "3", "4")]


def test_a_zip_of_several_files_needs_a_member(make: Make, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "week.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("out/stops.csv", "a;b\n1;2\n")
        archive.writestr("out/counts.csv", "c;d\n3;4\n")
    assert "options.member" in error(path)
    assert columns(path, member="counts*") == ["_row", "c", "d"]
    assert "Closest: out/stops.csv" in error(path, member="stop.csv")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04" + b"\x00" * 26 + b"[Content_Types].xml" + b"\x00" * 50, "kind: excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "kind: excel"),
        (b"PAR1" + bytes(range(200)), "kind: parquet"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b'{"value": [1]}', "kind: json"),
        (bytes(range(1, 256)) * 8, "binary"),
        (b"a;b\n1;2\n" + b"\x00" * 4096, "partly written"),
        (b"\xef\xbb\xbf\r\n \r\n", "empty"),
    ],
)
def test_what_is_no_text_says_what_it_looks_like(make: Make, content: bytes, told: str) -> None:
    assert told in error(make(content))


# --- layout ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiters_are_detected(make: Make, delimiter: str) -> None:
    path = make(f"time{delimiter}tag{delimiter}value\n10:00{delimiter}T1{delimiter}5\n")
    assert rows(path) == [(1, "10:00", "T1", "5")]


def test_decimal_commas_are_no_delimiters(make: Make) -> None:
    assert rows(make("Druck, bar;Temp, °C\n1,5;2,5\n1,7;2,9\n")) == [(1, "1,5", "2,5"), (2, "1,7", "2,9")]
    assert rows(make("Flow\n13,5\n14,2\n")) == [(1, "13,5"), (2, "14,2")]


def test_any_text_can_be_a_delimiter(make: Make) -> None:
    assert rows(make("a||b\n1||\n"), delimiter="||") == [(1, "1", None)]
    assert rows(make("a¦b\n1¦2\n"), delimiter="¦") == [(1, "1", "2")]
    assert rows(make("a\tb\n1\t2\n"), delimiter="tab") == [(1, "1", "2")]


def test_header_by_line_by_texts_or_not_at_all(make: Make) -> None:
    path = make("Report;x;y\n7;8;9\n\nTag;Value;Unit\nT1;5;bar\n")
    assert columns(path, header=4) == ["_row", "Tag", "Value", "Unit"]
    assert rows(path, header=["Value", "Tag"]) == [(1, "T1", "5", "bar")]
    assert rows(path, header="V.*e") == [(1, "T1", "5", "bar")]
    assert rows(path, skip_rows=3) == [(1, "T1", "5", "bar")]
    assert rows(make("T1;5\nT2;\n"), header=False, columns=["tag", "value"]) == [(1, "T1", "5"), (2, "T2", None)]
    assert columns(make("T1;5\n"), header=False) == ["_row", "column_1", "column_2"]
    assert rows(make("T1;5\n", encoding="utf-8-sig"), header=False) == [(1, "T1", "5")]


def test_a_header_that_is_not_there_names_the_closest(make: Make) -> None:
    told = error(make("Time;ReasonCode\n1;2\n"), header=["Reason_Cd"])
    assert "Closest: ReasonCode" in told
    assert "options.header" in told
    assert "no line 9" in error(make("a;b\n1;2\n"), header=9)


def test_a_first_line_of_data_is_no_header(make: Make) -> None:
    """Taking it for one would lose a record and name columns after numbers."""
    assert "options.header: false" in error(make("1601890328;20.5;192\n1601890329;20.7;192\n"))


@pytest.mark.parametrize("header", ["T1;T2;T3", "E1;E2;E3", "2024 A;x;y", "time;1;2"])
def test_names_with_digits_are_a_header(make: Make, header: str) -> None:
    assert columns(make(header + "\n1;2;3\n")) == ["_row", *header.split(";")]


@pytest.mark.parametrize(
    "line", ["-5;1e-3;.5", "2024-01-02T03:04:05.678Z;1,5;7%", "1/2/24 10:07:38 AM;5;6", "2024-01-02 03:04:05+01:00;1;2"]
)
def test_numbers_and_moments_are_no_header(make: Make, line: str) -> None:
    assert "holds data" in error(make(f"{line}\n{line}\n"))


def test_a_list_of_sap_on_paper(make: Make) -> None:
    """Pipes at both ends, dashes, the header on every page (field guide 13c): `comment` takes the dashes."""
    page = "-----------------\n|Plant|Qty     |Un|\n-----------------\n"
    text = "Goods movements\n\n" + page + "|1000 |  5.00-  |KG|\n" + page + "|1000 |  7.00   |KG|\n-----------------\n"
    path = make(text)
    assert columns(path, comment="-") == ["_row", "column_1", "Plant", "Qty     ", "Un"]
    assert rows(path, comment="-") == [(1, None, "1000 ", "  5.00-  ", "KG"), (2, None, "1000 ", "  7.00   ", "KG")]


def test_a_header_narrower_than_its_rows_stays_the_header(make: Make) -> None:
    assert rows(make("a;b;c\n1;2;3;4\n5;6;7;8\n")) == [(1, "1", "2", "3", "4"), (2, "5", "6", "7", "8")]
    assert columns(make("a;b;c\n1;2;3;4\n"))[-1] == "_surplus"


def test_names_are_kept_and_made_unique(make: Make) -> None:
    assert columns(make("_row; a ;;a;a;a_2\n1;2;3;4;5;6\n")) == ["_row", "_row_2", " a ", "column_3", "a", "a_2", "a_2_2"]


def test_a_header_over_several_lines_of_the_file(make: Make) -> None:
    assert columns(make('"Power\n(kW)";b\n1;2\n')) == ["_row", "Power\n(kW)", "b"]


def test_an_unnamed_last_column_is_only_one_if_it_holds_something(make: Make) -> None:
    assert columns(make("a;b;\n1;2;\n")) == ["_row", "a", "b"]
    assert rows(make("a;b;\n1;2;\n3;4;x\n"))[-1] == (2, "3", "4", "x")
    assert columns(make("a;b;\n1;2;\n3;4;x\n"))[-1] == "column_3"
    assert rows(make("a;b\n1;2;\n3;4;\n")) == [(1, "1", "2"), (2, "3", "4")]


def test_what_is_no_record(make: Make) -> None:
    text = "# made by svc\nTag;Value\n\nT1;1\n;\n# stopped\nTag;Value\nT2;2\n   \nT3;3\nrows: 3\nend\n"
    expected = [(1, "T1", "1"), (2, "T2", "2"), (3, "T3", "3")]
    assert rows(make(text), comment="#", footer="^rows:") == expected
    assert rows(make(text), comment="#", footer=2) == expected
    kept = rows(make("Tag;Value\nT1;1\nTag;Value\n"), repeated_headers=False)
    assert kept == [(1, "T1", "1"), (2, "Tag", "Value")]


def test_a_commented_header_can_be_named_by_its_line(make: Make) -> None:
    assert columns(make("# Tag;Value\nT1;1\n"), comment="#", header=1) == ["_row", "Tag", "Value"]


def test_words_for_nothing_become_null_in_both_ways(make: Make) -> None:
    assert rows(make("a;b\nNULL;-\nx;-1\n"), nulls=["NULL", "-"]) == [(1, None, None), (2, "x", "-1")]
    assert rows(make("a;b\nNULL;-\nx\n"), nulls=["NULL", "-"]) == [(1, None, None), (2, "x", None)]


def test_line_ends_of_all_systems_and_none_at_the_end(make: Make) -> None:
    for text in ("a;b\r\n1;2\n3;4", "a;b\r1;2\r3;4\r", "a;b\n1;2\r\n3;4\r\n"):
        assert rows(make(text)) == [(1, "1", "2"), (2, "3", "4")]


def test_a_quote_inside_a_text_is_part_of_it(make: Make) -> None:
    assert rows(make('a;b\n2" pipe;1\nx "y" z;"q" r\n')) == [(1, '2" pipe', "1"), (2, 'x "y" z', '"q" r')]
    assert rows(make('a;b\n"2;1\n'), quote="") == [(1, '"2', "1")]
    assert rows(make("a;b\n'x;y';1\n"), quote="'") == [(1, "x;y", "1")]


def test_a_stray_quote_does_not_swallow_the_file(make: Make) -> None:
    text = "a;b\n" + '"pipe;1\n' + "x;2\n" * 2000
    assert "does not end" in error(make(text))


def test_options_refuse_nonsense() -> None:
    for wrong in (
        {"footer": "("},
        {"delimiter": ""},
        {"delimeter": ";"},
        {"decimal": ";"},
        {"quote": '""'},
        {"skip_rows": -1},
        {"columns": ["a"]},
    ):
        with pytest.raises(ValidationError):
            DelimitedOptions.model_validate(wrong)


def test_the_name_of_a_file_is_no_pattern(make: Make) -> None:
    assert rows(make("a;b\n1;2\n", name="x[1]*.csv"))


# --- laws -----------------------------------------------------------------------------------------------------------------------

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\ufeff", exclude_categories=("Cs", "Cc")) | st.sampled_from(';,"\n '),
    max_size=6,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(TEXTS, min_size=3, max_size=3), max_size=6), st.sampled_from(";,\t|"))
def test_what_python_writes_is_read_back(tmp_path: Path, table: list[list[str]], delimiter: str) -> None:
    """Nothing is lost whatever the texts hold; only records of nothing but blanks and delimiters are left out."""
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["h1", "h2", "h3"], *table])
    path = tmp_path / "law.csv"
    path.write_text(held.getvalue(), encoding="utf-8", newline="")
    found = CONNECTOR.read(path, DelimitedOptions(delimiter=delimiter, repeated_headers=False)).collect()
    assert found.drop("_row").rows() == [tuple(row) for row in table]
    assert found["_row"].to_list() == list(range(1, len(table) + 1))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.sampled_from(["", "a", '""', '"x;y"', '"l\nm"', " ", '"q""r"', "7,5"])] * 3), min_size=1, max_size=8))
def test_both_ways_to_the_records_agree(tmp_path: Path, cells: list[tuple[str, ...]]) -> None:
    """A comment line sends a file the slow way; its records must be the same."""
    body = "".join(";".join(row) + "\n" for row in cells)
    plain, dirty = tmp_path / "plain.csv", tmp_path / "dirty.csv"
    plain.write_text("h1;h2;h3\n" + body, newline="")
    dirty.write_text("h1;h2;h3\n#\n" + body + "#\n", newline="")
    options = DelimitedOptions(delimiter=";", comment="#")
    assert_frame_equal(CONNECTOR.read(plain, options).collect(), CONNECTOR.read(dirty, options).collect())


def test_blocks_may_end_anywhere(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check reads in blocks: a record, a quoted line break or a CR LF at the edge of one changes nothing."""
    from connectors.kinds.files import text

    expected = [(n, f"T{n}", f"v\n{n};x", None) for n in range(1, 200)]
    body = "".join(f'T{n};"v\n{n};x";\r\n' for n in range(1, 200))
    path = make("tag;value;note\r\n" + body)
    for size in (7, 64, 1000):
        monkeypatch.setattr(text, "CHUNK", size)
        assert rows(path) == expected


# --- sniffing -------------------------------------------------------------------------------------------------------------------


def test_sniffing_drafts_the_options(make: Make) -> None:
    found = sniff(make("Bericht\n\nZeit;Menge;Größe\n01.02.2024;1.200,5;0,25\n02.02.2024;7,5;1,5\n", encoding="cp1252"))
    assert found == DelimitedOptions(delimiter=";", encoding="cp1252", header=3, decimal=",", thousands=".")
    assert sniff(make("a,b\n1.5,x\n")) == DelimitedOptions(delimiter=",", encoding="utf-8", header=1)


# --- real files -----------------------------------------------------------------------------------------------------------------


@real
@pytest.mark.parametrize(
    ("name", "height", "some"),
    [
        ("hist_wind_T1/T1.csv", 50_530, ["Date/Time", "LV ActivePower (kW)", "Wind Direction (°)"]),
        ("hist_volve/Volve_Production_Data.csv", 15_634, ["DATEPRD", "FLOW_KIND"]),
        ("hist_flotation/flotation_decimal_comma_1000.csv", 1_000, ["% Iron Feed", "Ore Pulp pH"]),
        ("hist_skab/data/valve1/0.csv", None, ["datetime", "Volume Flow RateRMS"]),
        ("hist_openmv/kamyr-digester/kamyr-digester.csv", 301, ["T-lowerExt-2  ", "ChipLevel4 "]),
        ("hist_openmv/distillate-flowrate/distillate-flowrate.csv", 44_640, ["Flow"]),
        ("hist_openmv/LDPE/LDPE.csv", 54, ["column_1", "Tin"]),
        ("mes_4tu_production/Production_Data_reconstructed.csv", 4_352, ["Case ID", "Rework"]),
        ("mes_garments/garments_worker_productivity.csv", 1_197, ["wip"]),
        ("mes_sme_retrofit/company_A_labelled_subset.csv", 14_492, ["ts", "product"]),
        ("erp_sap_gbi/MSEG.csv", 686, ["MANDT", "MENGE"]),
    ],
)
def test_real_plants(name: str, height: int | None, some: list[str], tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes((DATA / name).read_bytes())
    frame = CONNECTOR.read(path, DelimitedOptions()).collect()
    assert set(some) <= set(frame.columns)
    assert height is None or frame.height == height
    assert "_surplus" not in frame.columns
    assert frame["_row"].to_list() == list(range(1, frame.height + 1))
    assert frame.select(pl.exclude("_row")).dtypes == [pl.String] * (frame.width - 1)
