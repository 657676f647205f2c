"""Lists of SAP, beyond the samples: pages, sums, cut columns, records of several lines, and that no line gets lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import reading

from connectors.kinds.erp.sap_spool import CONNECTOR, SpoolOptions

Make = Callable[..., Path]
HEAD = "--------------------\n|Plant|Quantity|Un|\n--------------------\n"


rows, error = reading("sap_spool")


# --- pipes ---------------------------------------------------------------------------------------------------------------------


def test_pages_repeat_titles_and_headers_and_records_go_on(make: Make) -> None:
    page = "19.11.2026    Stock    {0}\n" + HEAD
    path = make(page.format(1) + "|1000 |  302.35|KG|\n" + page.format(2) + "|2000 |   5.00-|KG|\n--------------------\nEnd\n")
    assert rows(path, "_row", "Plant", "Quantity", "Un") == [(1, "1000", "302.35", "KG"), (2, "2000", "5.00-", "KG")]
    assert len(rows(path, "text", records="other")) == 10  # 2 titles, 4 rules, 2 headers, the last rule and the end


def test_sums_are_no_records(make: Make) -> None:
    path = make(HEAD + "|1000 |  302.35|KG|\n|*    |  302.35|KG|\n| *   |  302.35|KG|\n|** all plants|KG|\n|***  |        |  |\n")
    assert rows(path, "Plant") == [("1000",)]
    assert rows(path, "level", "Quantity", records="totals") == [("1", "302.35"), ("1", "302.35"), ("2", None), ("3", None)]


def test_a_number_too_wide_for_its_column_is_no_sum(make: Make) -> None:
    header = "--------------------\n|Quantity|Plant|Un|\n--------------------\n"
    assert rows(make(header + "|*0000.00|1000 |KG|\n|****0.00|1000 |KG|\n"), "Quantity") == [("*0000.00",), ("****0.00",)]


def test_a_pipe_inside_a_text_divides_nothing(make: Make) -> None:
    assert rows(make(HEAD + "|1|2  |  302.35|KG|\n"), "Plant", "Quantity") == [("1|2", "302.35")]


def test_letters_of_double_width_shift_the_edges(make: Make) -> None:
    assert rows(make(HEAD + "|上海 |  302.35|KG|\n"), "Plant", "Quantity", "Un") == [("上海", "302.35", "KG")]


@pytest.mark.parametrize("line", ["|1000 |  302.35|", "|1000 |  302.35|KG|x|", "|1000", "1000 |  302.35|KG", "|1000    302.35 KG|"])
def test_what_looks_like_a_record_and_is_none_is_kept(make: Make, line: str) -> None:
    found = rows(make(f"{HEAD}{line}\n|2000 |    5.00|KG|\n"), "Plant", "_surplus")
    assert found == [(None, line), ("2000", None)]


def test_titles_may_hold_a_pipe_and_stand_in_boxes(make: Make) -> None:
    path = make(f"-----\n|Stock of plant 1000|\n-----\n{HEAD}|1000 |  302.35|KG|\nPlant 1000 | page 2\n")
    assert rows(path, "Plant") == [("1000",)]
    assert ("Plant 1000 | page 2",) in rows(path, "text", records="other")


def test_a_row_without_anything_is_no_record_and_one_of_dashes_is(make: Make) -> None:
    assert rows(make(HEAD + "|     |        |  |\n|-    |       -|- |\n"), "Plant", "Quantity") == [("-", "-")]


def test_a_list_without_records_is_a_quiet_day(make: Make) -> None:
    assert rows(make(HEAD), "Plant", "Un") == []


def test_a_column_that_was_cut(make: Make) -> None:
    path = make("-----------\n|Plant|Quan\n-----------\n|1000 |  30\n|2000 |\n")
    assert "options.cut" in error(path)
    assert CONNECTOR.read(path, SpoolOptions(cut="drop")).collect().rows() == [(1, "1000"), (2, "2000")]
    assert rows(path, "Plant", "Quan", cut="keep") == [("1000", "30"), ("2000", None)]


def test_records_of_two_lines(make: Make) -> None:
    head = "-------------\n|Order|Plant|\n|Yield|Scrap|\n-------------\n"
    path = make(f"{head}|4711 |1000 |\n|  300|  10-|\n|4712 |1000 |\n{head}|4713 |1000 |\n|  5  |     |\n|*    |  10-|\n")
    assert rows(path, "Order", "Yield", "Scrap", "_surplus") == [
        ("4711", "300", "10-", None), (None, None, None, "|4712 |1000 |"), ("4713", "5", None, None),
    ]  # fmt: skip
    assert rows(path, "level", records="totals") == [("1",)]


def test_the_header_can_be_stated(make: Make) -> None:
    path = make("|Created|19.11.2026|\n|By|BATCH|\n" + HEAD + "|1000 |  302.35|KG|\n")
    assert rows(path, "Plant", header=["Plant", "Un"]) == [("1000",)]
    assert "Closest: Plant" in error(path, header="Plants")


def test_texts_that_mean_nothing(make: Make) -> None:
    assert rows(make(HEAD + "|0000 |  302.35|KG|\n"), "Plant", "Quantity", nulls=["0000"]) == [(None, "302.35")]


def test_originals_are_the_lines(make: Make) -> None:
    path = make(HEAD + "|1000 |  302.35|KG|\n\n|2000 |    5.00|KG|\n|*    |  307.35|KG|\n")
    found = CONNECTOR.originals(path, SpoolOptions(), "rows", [2])
    assert (found[2].place, found[2].text) == ("line 6", "|2000 |    5.00|KG|")
    assert CONNECTOR.originals(path, SpoolOptions(), "totals", [1])[1].place == "line 7"


# --- tabs ----------------------------------------------------------------------------------------------------------------------


def test_unconverted_downloads_begin_with_blank_lines_and_an_empty_column(make: Make) -> None:
    path = make("List\r\n\r\n\tPlant\tQuantity\r\n\r\n\t1000\t302.35-\r\n*\t\t302.35-\r\n**\t\t302.35-\r\n\t2000\t\r\n")
    assert rows(path, "_row", "Plant", "Quantity") == [(1, "1000", "302.35-"), (2, "2000", None)]
    assert rows(path, "level", "Quantity", records="totals") == [("1", "302.35-"), ("2", "302.35-")]


def test_a_text_with_a_line_break_does_not_shift_fields_unseen(make: Make) -> None:
    path = make("\tPlant\tText\tUn\n\t1000\tfirst\nsecond\tKG\n\t2000\tx\tKG\nlost\t3000\tx\tKG\n")
    assert rows(path, "Plant", "_surplus") == [(None, "\t1000\tfirst"), (None, "second\tKG"), ("2000", None), (None, "lost\t3000\tx\tKG")]


@pytest.mark.parametrize("content", ["\n\n", "words only\n", "a|b\n", "<x/>", '{"a": 1}', "-----\n"])
def test_other_files_are_refused(make: Make, content: str) -> None:
    assert error(make(content))


# --- laws ----------------------------------------------------------------------------------------------------------------------

LINE = st.sampled_from([
    "|1000 |  302.35|KG|", "|2000 |   5.00-|  |", "|1|2  |       1|KG|", "|*    |  302.35|KG|", "|** 1000 | 5|KG|", "|1000 |  302.35|", "Page 2",
    "--------------------", "|Plant|Quantity|Un|", "", "   ", "|1000", "x|y|z|a",
])  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINE, max_size=20))
def test_law_every_line_belongs_to_one_record_set(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "list.txt"
    path.write_text(HEAD + "\n".join(lines), encoding="utf-8")
    counts = [len(rows(path, "_row", records=records)) for records in ("rows", "totals", "other")]
    assert sum(counts) == 3 + sum(bool(line.strip()) for line in lines)


CELL = st.text(st.sampled_from("aB1.-ß *"), max_size=5).map(str.strip).filter(lambda cell: not cell.startswith("*"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL.filter(lambda cell: any(sign.isalnum() for sign in cell)), CELL, CELL), max_size=8))
def test_law_printed_records_come_back(tmp_path: Path, records: list[tuple[str, str, str]]) -> None:
    path = tmp_path / "list.txt"
    head = "----------------\n|P    |Q    |R    |\n----------------\n"
    printed = "".join(f"|{a:<5}|{b:>5}|{c:<5}|\n" for a, b, c in records)
    path.write_text(head + printed, encoding="utf-8")
    assert rows(path, "P", "Q", "R") == [tuple(cell or None for cell in record) for record in records]
