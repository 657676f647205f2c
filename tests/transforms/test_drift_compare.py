"""Changes of exports, each found in small tables: what is told, the edit, and what must not alarm.

Here: profiles and their comparison, without files. Elsewhere: whole refreshes with the edits applied (`tests/pipelines/test_drift.py`).
"""

# ruff: noqa: DTZ001, DTZ007  (texts of local times, without a zone as exports write them)

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Source
from transforms.drift.compare import Exported, Finding, Question, compare, unreadable
from transforms.drift.edits import merged, path
from transforms.drift.profile import EMPTY, HIDDEN, NUMBER, TEXT, TIME, ColumnProfile, Profile, loads, profile
from transforms.drift.words import new_words

Rows = dict[str, Sequence[Any]]
MACHINES = ("P1", "P2", "P3")
WHY = ("", "12", "17", "31")
SOURCE: dict[str, Any] = {
    "kind": "delimited", "path": "stops_*.csv", "options": {"delimiter": ";"},
    "tables": {
        "equipment_state_event": {
            "columns": {
                "equipment": "Machine", "start_ts": {"from": "Start", "format": "%d.%m.%Y %H:%M"}, "end_ts": {"from": "End", "format": "%d.%m.%Y %H:%M"},
                "state_class": {"from": "State", "map": {"R": "RUN", "S": "DELAY_EQ"}}, "source_reason_code": "Reason",
            }
        },
        "production_count": {
            "key": ["Document"],
            "columns": {
                "equipment": "Machine", "event_ts": {"from": "End", "format": "%d.%m.%Y %H:%M"}, "document": "Document",
                "good_qty": {"from": "Weight", "unit": "kg"}, "scrap_qty": "Scrap",
            },
        },
    },
}  # fmt: skip


def day(number: int, rows: int = 60, **other: Callable[[int], Any]) -> Rows:
    """A day of stops and counts in text, as a CSV gives them: 60 rows from 06:00 to 14:00, and what a test says otherwise."""
    start = datetime(2026, 3, 1, 6) + timedelta(days=number)
    times = [start + timedelta(minutes=8 * row) for row in range(rows)]
    columns: dict[str, Callable[[int], Any]] = {
        "Machine": lambda row: MACHINES[row % 3],
        "Start": lambda row: f"{times[row]:%d.%m.%Y %H:%M}",
        "End": lambda row: f"{times[row] + timedelta(minutes=8):%d.%m.%Y %H:%M}",
        "State": lambda row: "RS"[row % 4 == 3],
        "Reason": lambda row: WHY[row // 4 % 4] if row % 4 == 3 else "",
        "Document": lambda row: f"D{number:03}{row:04}",
        "Weight": lambda row: f"{40 + (row * 7 + number * 3) % 20}.{row % 10}",
        "Scrap": lambda row: str((row + number) % 5),
        "Note": lambda row: "",
        "Temp": lambda row: f"{180 + (row + number) % 9}.5",
    } | other
    return {name: [value(row) for row in range(rows)] for name, value in columns.items()}


def exported(name: str, rows: Rows, hidden: Sequence[str] = (), **more: Any) -> Exported:
    return Exported(
        name,
        profile(pl.LazyFrame(rows, schema_overrides={}), hidden, **({"layout": more.pop("layout")} if "layout" in more else {})),
        **more,
    )


def asked(new: Rows, past: Sequence[Rows] | None = None, source: dict[str, Any] | None = None, **more: Any) -> Question:
    """The export of day 10 against those of the days before."""
    days = [day(number) for number in range(10)] if past is None else past
    texts = {name: list(dict.fromkeys(filter(None, map(str, values)))) for name, values in new.items()}
    return Question(
        Source.model_validate(source or SOURCE), exported("stops_10.csv", new), [exported(f"stops_{n:02}.csv", rows) for n, rows in enumerate(days)],
        texts=lambda column: texts[column][:20], **more,
    )  # fmt: skip


def found(new: Rows, *args: Any, **more: Any) -> list[Finding]:
    return compare(asked(new, *args, **more))


def one(findings: Sequence[Finding]) -> Finding:
    (finding,) = findings
    return finding


def since(**what: Any) -> dict[str, Any]:
    return {"changes": [{"since": "stops_10.csv", **what}]}


def without(rows: Rows, *names: str) -> Rows:
    return {name: values for name, values in rows.items() if name not in names}


def called(rows: Rows, **names: str) -> Rows:
    return {names.get(name, name): values for name, values in rows.items()}


# --- profiles -------------------------------------------------------------------------------------------------------------------------


def test_a_profile_tells_the_kind_of_each_column() -> None:
    columns = exported("x", day(0)).profile.by_name
    assert {name: column.kind for name, column in columns.items()} == {
        "Machine": TEXT, "Start": TIME, "End": TIME, "State": TEXT, "Reason": NUMBER, "Document": TEXT, "Weight": NUMBER, "Scrap": NUMBER,
        "Note": EMPTY, "Temp": NUMBER,
    }  # fmt: skip
    assert columns["Reason"].null == 0.8167  # of 60 rows 15 are stops, and 4 of those have no reason: 49 of 60 are empty
    assert columns["Scrap"].values == (0.0, 1.0, 2.0, 3.0, 4.0)
    assert columns["Start"].spans == {"%d.%m.%Y %H:%M": ("2026-03-01 06:00:00", "2026-03-01 13:52:00", "1", "1"),
                                      "%m.%d.%Y %H:%M": ("2026-01-03 06:00:00", "2026-01-03 13:52:00", "1", "1")}  # fmt: skip


def test_a_profile_comes_back_from_its_text_and_quotes_nothing() -> None:
    made = profile(pl.LazyFrame({"_row": [1, 2], "Operator": ["Jane Doe", "Max Roe"], "State": ["Läuft", "Steht"]}), ["Operator"], "salt")
    text = made.dumps()
    assert loads(text) == made
    assert made.by_name["Operator"] == ColumnProfile("Operator", 0, HIDDEN)
    assert not [word for word in ("Jane", "Roe", "Läuft", "Steht") if word in text]


@pytest.mark.parametrize(
    ("texts", "decimal", "median"),
    [
        (["1.5", "2.5", "3"], ".", 2.5),
        (["1,5", "2,5", "3"], ",", 2.5),
        (["1.234,5", "2.000,0", "7-"], ",", 1234.5),
        (["1,234.5", "7", "8"], ".", 8),
    ],
)
def test_numbers_are_read_in_the_style_in_which_they_stand(texts: list[str], decimal: str, median: float) -> None:
    column = profile(pl.LazyFrame({"n": texts})).columns[0]
    assert (column.kind, column.decimal, column.values[2]) == (NUMBER, decimal, median)


@pytest.mark.parametrize("rows", [{}, {"a": []}, {"a": [None, None]}, {"a": ["\x00", "🙂", ""], "b": [float("nan"), float("inf"), None]}])
def test_what_holds_nothing_has_a_profile_too(rows: Rows) -> None:
    made = profile(pl.LazyFrame(rows))
    assert loads(made.dumps()) == made


# --- nothing is told ------------------------------------------------------------------------------------------------------------------------


def test_a_day_like_the_others_is_no_news() -> None:
    assert found(day(10)) == []


def test_the_same_export_again_is_no_news() -> None:
    assert found(day(9)) == []


def test_the_first_export_is_no_news() -> None:
    assert found(day(10), past=[]) == []


@pytest.mark.parametrize("rows", [4, 1])
def test_a_monday_after_a_holiday_has_few_rows(rows: int) -> None:
    """4 of 60 are few; 1 is told, and wakes nobody."""
    findings = found(day(10, rows))
    assert [(finding.what, finding.needs_a_person) for finding in findings] == ([] if rows == 4 else [("ROWS", False)])


def test_the_second_tiny_export_in_a_row_is_a_question() -> None:
    finding = one(found(day(10, 1), past=[*(day(n) for n in range(9)), day(9, 1)]))
    assert (finding.what, finding.old, finding.new, finding.needs_a_person) == ("ROWS", "60 to 60 in 9 exports", "1", True)


def test_a_seasonal_product_of_ten_times_the_quantity_is_no_other_unit() -> None:
    assert found(day(10, Weight=lambda row: f"{10 * (40 + row * 7 % 20)}.5")) == []


def test_a_product_of_which_some_records_are_large_is_no_other_unit() -> None:
    assert found(day(10, Weight=lambda row: f"{(1000 if row % 2 else 1) * (40 + row * 7 % 20)}.5")) == []


def test_a_column_of_wild_numbers_has_to_move_further() -> None:
    """Medians of 1, 5, 30, 200, ... : the next may be a hundred times the one before it."""
    wild = [day(n, Weight=lambda row, n=n: f"{6 ** (n % 5) * (1 + row % 3)}.5") for n in range(10)]
    assert found(day(10, Weight=lambda row: f"{6**5 * (1 + row % 3)}.5"), past=wild) == []


def test_a_column_that_was_always_empty_is_told_when_it_is_filled() -> None:
    finding = one(found(day(10, Note=lambda row: "checked")))
    assert (finding.what, finding.column, finding.needs_a_person) == ("FILLED", "Note", False)


def test_codes_may_get_letters() -> None:
    """A reason is a text: 12 and 17 only looked like numbers."""
    assert found(day(10, Reason=lambda row: f"E{row % 4}" if row % 4 == 3 else "")) == []


def test_a_file_that_tells_its_unit_may_change_it() -> None:
    source = merged(SOURCE, {"tables": {"production_count": {"columns": {"good_qty": {"from": "Weight", "unit_from": "Uom"}}}}})
    source["tables"]["production_count"]["columns"]["good_qty"].pop("unit")
    past = [day(n, Uom=lambda row: "kg") for n in range(10)]
    heavy = day(10, Uom=lambda row: "g", Weight=lambda row: f"{40 + row * 7 % 20}000")
    assert found(heavy, past=past, source=source) == []
    assert one(found(heavy | {"Uom": ["kg"] * 60}, past=past, source=source)).what == "SCALE"


# --- columns ------------------------------------------------------------------------------------------------------------------------------


def test_a_new_column_is_told_and_needs_nobody() -> None:
    finding = one(found(day(10, Shift=lambda row: "AB"[row % 2])))
    assert (finding.what, finding.column, finding.new, finding.needs_a_person) == ("ADDED", "Shift", "place 11, 2 different texts", False)


def test_a_column_that_nothing_uses_may_go() -> None:
    finding = one(found(without(day(10), "Temp")))
    assert (finding.what, finding.column, finding.needs_a_person, finding.edit) == ("DROPPED", "Temp", False, None)


def test_a_mapped_column_that_went_can_be_left_out_from_then_on() -> None:
    finding = one(found(without(day(10), "Reason")))
    assert (finding.what, finding.column, finding.needs_a_person) == ("DROPPED", "Reason", True)
    assert finding.edit == since(tables={"equipment_state_event": {"columns": {"source_reason_code": None}}})


def test_a_column_that_a_table_needs_has_no_edit() -> None:
    finding = one(found(without(day(10), "Start")))
    assert (finding.what, finding.edit) == ("DROPPED", None)
    assert finding.advice == "ask the plant for the column: equipment_state_event.columns.start_ts cannot be made without it"


def test_a_column_under_another_name_is_known_by_what_it_holds() -> None:
    """Zustand is nothing like State; its texts are the same two."""
    finding = one(found(called(day(10), State="Zustand")))
    assert finding.message == "Column 'State' seems to be called 'Zustand' now: 2 of its 2 texts are the same."
    assert (finding.what, finding.edit, finding.needs_a_person) == ("RENAMED", {"renamed": {"Zustand": "State"}}, True)


def test_what_is_renamed_in_the_plant_file_is_no_news() -> None:
    assert found(called(day(10), State="Zustand"), source=SOURCE | {"renamed": {"Zustand": "State"}}) == []


def test_two_columns_renamed_at_once_keep_apart() -> None:
    """Kosten holds what Scrap held, Masse what Weight held."""
    findings = found(called(day(10), Weight="Masse", Scrap="Kosten"))
    assert {(finding.what, finding.column, finding.new) for finding in findings} == {
        ("RENAMED", "Weight", "Masse"),
        ("RENAMED", "Scrap", "Kosten"),
    }


def test_two_times_renamed_at_once_are_told_apart_by_their_names() -> None:
    findings = found(called(day(10), Start="StartTime", End="EndTime"))
    assert {(finding.column, finding.new) for finding in findings} == {("Start", "StartTime"), ("End", "EndTime")}


def test_names_that_are_swapped_are_found_by_content() -> None:
    """The new names are alike to the wrong columns: Scrap2 holds the weights."""
    findings = found(called(day(10), Weight="Scrap2", Scrap="Weight2"))
    assert {(finding.column, finding.new) for finding in findings} == {("Weight", "Scrap2"), ("Scrap", "Weight2")}


def test_shuffled_columns_with_one_renamed() -> None:
    rows = called(day(10), Machine="Anlage")
    findings = found({name: rows[name] for name in sorted(rows)})
    assert {finding.what: finding.needs_a_person for finding in findings} == {"RENAMED": True, "REORDERED": False}
    assert next(finding for finding in findings if finding.what == "RENAMED").edit == {"renamed": {"Anlage": "Machine"}}


def test_a_column_that_holds_something_else_is_not_taken_for_the_one_that_went() -> None:
    findings = found(without(day(10, Stated=lambda row: f"{row}.25"), "State"))
    assert {(finding.what, finding.column) for finding in findings} == {("DROPPED", "State"), ("ADDED", "Stated")}


def test_a_column_that_comes_and_goes_is_no_news() -> None:
    past = [day(n) if n % 3 else without(day(n), "Note") for n in range(10)]
    assert found(day(10), past=past) == found(without(day(10), "Note"), past=past) == []


def test_a_file_without_a_header_in_another_order() -> None:
    """Places name the columns: what stands under State now is a time, and the weights and the scrap have changed places."""
    names = list(day(0))
    source = SOURCE | {"options": {"header": False, "columns": names}}
    rows = list(day(10).values())
    order = [names.index(name) for name in ("Machine", "State", "End", "Start", "Reason", "Document", "Scrap", "Weight", "Note", "Temp")]
    finding = one(found({name: rows[at] for name, at in zip(names, order, strict=True)}, source=source))
    assert (finding.what, finding.needs_a_person) == ("SWAPPED", True)
    assert finding.edit == since(options={"columns": [names[at] for at in order]})


# --- types ---------------------------------------------------------------------------------------------------------------------------------


def test_a_decimal_comma_is_one_edit_for_all_columns() -> None:
    rows = day(10)
    finding = one(found(rows | {name: [text.replace(".", ",") for text in rows[name]] for name in ("Weight", "Temp")}))
    assert (finding.what, finding.old, finding.new) == ("DECIMAL", "'.'", "','")
    assert (finding.edit, finding.needs_a_person) == (since(options={"decimal": ","}), True)


def test_a_decimal_comma_in_one_of_two_columns_has_no_edit() -> None:
    rows = day(10)
    finding = one(found(rows | {"Weight": [text.replace(".", ",") for text in rows["Weight"]]}))
    assert (finding.what, finding.column, finding.edit) == ("DECIMAL", "Weight", None)


def test_numbers_with_their_unit_are_cut_out() -> None:
    finding = one(found(day(10, Weight=lambda row: f"{40 + row % 20}.5 kg")))
    assert (finding.what, finding.column) == ("RETYPED", "Weight")
    rule = {"from": "Weight", "unit": "kg", "regex": r"([-+]?[0-9][0-9.,]*)"}
    assert finding.edit == since(tables={"production_count": {"columns": {"good_qty": rule}}})


def test_words_between_numbers_are_taken_for_empty() -> None:
    finding = one(found(day(10, Scrap=lambda row: "n.v." if row % 4 == 0 else str(row % 5))))
    assert (finding.what, finding.new) == ("RETYPED", "texts ('n.v.', '1', '2' and 1 more)")
    assert finding.edit == since(tables={"production_count": {"columns": {"scrap_qty": {"from": "Scrap", "nulls": ["n.v."]}}}})


def test_a_few_words_among_numbers_are_a_matter_of_the_quarantine() -> None:
    assert found(day(10, Scrap=lambda row: "?" if row == 7 else str(row % 5))) == []


def test_another_layout_of_times_is_another_format() -> None:
    def iso(rows: Rows) -> Rows:
        return {
            name: [f"{datetime.strptime(text, '%d.%m.%Y %H:%M'):%Y-%m-%d %H:%M:%S}" for text in rows[name]] for name in ("Start", "End")
        }

    findings = found(day(10) | iso(day(10)))
    assert [(finding.what, finding.column) for finding in findings] == [("DATE_FORMAT", "Start"), ("DATE_FORMAT", "End")]
    assert findings[0].edit == since(tables={"equipment_state_event": {"columns": {"start_ts": "Start"}}})
    assert findings[1].edit == since(
        tables={"equipment_state_event": {"columns": {"end_ts": "End"}}, "production_count": {"columns": {"event_ts": "End"}}}
    )


def american(rows: Rows, *names: str) -> Rows:
    return rows | {name: [text[3:6] + text[:3] + text[6:] for text in rows[name]] for name in names}


@pytest.mark.parametrize("number", [20, 10])
def test_day_and_month_that_change_places(number: int) -> None:
    """Day 20 is 21 March: no month is 21. Day 10 is 11 March, which can be read as 3 November; only 11 March follows on 10 March.

    That days come first is known of the days after the 12th: the history goes up to the day before.
    """
    past = [day(n - 28) for n in range(10, 28)] + [day(n) for n in range(number)]
    finding = one(found(american(day(number), "Start"), past=past))
    assert (finding.what, finding.column, finding.old) == ("DAY_FIRST", "Start", "%d.%m.%Y %H:%M")
    rule = {"from": "Start", "format": "%m.%d.%Y %H:%M"}
    assert finding.edit == since(tables={"equipment_state_event": {"columns": {"start_ts": rule}}})


# --- numbers -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "unit", "told"),
    [
        (1000, "g", "larger by a factor of 1,000"),
        (0.001, "t", "smaller by a factor of 1,000"),
        (2.20462, "lb", "larger by a factor of 2.20462 (lb and kg)"),
    ],
)
def test_another_unit_of_a_weight(factor: float, unit: str, told: str) -> None:
    rows = day(10)
    finding = one(found(rows | {"Weight": [f"{float(text) * factor:.6g}" for text in rows["Weight"]]}))
    assert (finding.what, finding.message) == ("SCALE", f"The numbers of 'Weight' are {told}.")
    assert finding.edit == since(tables={"production_count": {"columns": {"good_qty": {"from": "Weight", "unit": unit}}}})


def test_pieces_that_come_in_thousands() -> None:
    past = [day(n, Scrap=lambda row, n=n: str(3000 + (row * 37 + n * 11) % 900)) for n in range(10)]
    finding = one(found(day(10, Scrap=lambda row: f"{(3000 + row * 37 % 900) / 1000:g}"), past=past))
    assert finding.edit == since(tables={"production_count": {"columns": {"scrap_qty": {"from": "Scrap", "unit": "10*3"}}}})


def test_a_factor_that_no_unit_has_is_told_without_an_edit() -> None:
    finding = one(found(day(10, Weight=lambda row: f"{(40 + row * 7 % 20) * 250}.5")))
    assert (finding.what, finding.message, finding.edit) == ("SCALE", "The numbers of 'Weight' are larger by a factor of about 248.", None)


def test_a_number_that_nothing_uses_may_move() -> None:
    assert found(day(10, Temp=lambda row: f"{180000 + row}.5")) == []


def test_celsius_that_became_fahrenheit() -> None:
    source = {
        "kind": "delimited",
        "path": "t_*.csv",
        "tables": {"historian_sample": {"columns": {"ts": "Start", "tag": "Machine", "value": "Temp"}}},
    }
    tags = [without(day(n), "Weight", "Scrap") for n in range(10)]
    hot = without(day(10, Temp=lambda row: f"{(180.5 + row % 9) * 1.8 + 32:.1f}"), "Weight", "Scrap")
    assert [finding.what for finding in found(hot, past=tags, source=source)] == []  # the value of a tag is a text: each has its own unit
    wide = {"kind": "delimited", "path": "t_*.csv", "tables": {"historian_sample": {"columns": {"ts": "Start", "tags": "/Temp/"}}}}
    finding = one(found(hot, past=tags, source=wide))
    assert (finding.what, finding.message, finding.edit) == ("UNIT", "The numbers of 'Temp' look like [degF] where they were Cel.", None)


def test_a_sign_that_turned() -> None:
    assert one(found(day(10, Weight=lambda row: f"-{40 + row % 20}.5"))).what == "SIGN"


def test_a_filled_column_that_is_empty() -> None:
    finding = one(found(day(10, Weight=lambda row: "")))
    assert (finding.what, finding.old, finding.new) == ("EMPTIED", "filled in 100% of the records or more", "filled in none")


# --- clocks --------------------------------------------------------------------------------------------------------------------------------


def clock(rows: Rows, hours: int) -> Rows:
    def moved(text: str) -> str:
        return f"{datetime.strptime(text, '%d.%m.%Y %H:%M') + timedelta(hours=hours):%d.%m.%Y %H:%M}"

    return rows | {name: [moved(text) for text in rows[name]] for name in ("Start", "End")}


def test_a_source_that_writes_utc_from_one_day_on() -> None:
    """Shifts from 06:00 to 14:00 at five hours from Greenwich are written as 11:00 to 19:00."""
    findings = found(clock(day(10), 5), zone="America/Bogota", plant_zone="America/Bogota")
    assert [(finding.what, finding.column, finding.edit) for finding in findings] == [
        ("ZONE", "Start", since(timezone="UTC")), ("ZONE", "End", since(timezone="UTC")),
    ]  # fmt: skip


def test_another_shift_is_no_other_zone() -> None:
    assert found(clock(day(10), 8), zone="America/Bogota", plant_zone="America/Bogota") == []


def test_people_who_change_their_clocks_are_no_other_zone() -> None:
    """Berlin changes on 29 March 2026; a source in UTC writes the same shift an hour earlier from then on."""
    past = [clock(day(n), -1) for n in range(18, 28)]
    assert found(clock(day(28), -2), past=past, zone="UTC", plant_zone="Europe/Berlin") == []


def test_a_clock_that_moved_against_the_moment_of_the_export() -> None:
    """Round the clock no shift shows it. Exports are taken at 06:00 and end two minutes before; this one ends an hour and two before."""

    def round_the_clock(number: int) -> Rows:
        start = datetime(2026, 3, 1, 6) + timedelta(days=number)
        return {"Machine": ["P1"] * 60, "End": [f"{start + timedelta(minutes=24 * row + 22):%d.%m.%Y %H:%M}" for row in range(60)],
                "Document": [str(row) for row in range(60)], "Weight": ["40.5"] * 60, "Scrap": ["0"] * 60}  # fmt: skip

    def taken(number: int, hours: int = 0) -> Exported:
        rows = round_the_clock(number)
        moved = clock(rows | {"Start": rows["End"]}, hours)
        at = datetime(2026, 3, 2, 6) + timedelta(days=number)
        return Exported(f"counts_{number}.csv", profile(pl.LazyFrame(without(moved, "Start"))), at)

    source = {**SOURCE, "tables": {"production_count": SOURCE["tables"]["production_count"]}}
    question = Question(
        Source.model_validate(source), taken(10, -1), [taken(n) for n in range(10)], zone="Europe/Berlin", plant_zone="Europe/Berlin"
    )
    finding = one(compare(question))
    assert (finding.what, finding.edit) == ("ZONE", {"changes": [{"since": "counts_10.csv", "timezone": "UTC"}]})
    late = Exported("counts_10.csv", taken(10).profile, datetime(2026, 3, 12, 7))  # delivered an hour later: nothing moved
    assert compare(Question(question.source, late, question.past, zone="Europe/Berlin", plant_zone="Europe/Berlin")) == []


def test_people_who_begin_earlier_are_no_other_zone_where_the_export_tells_it() -> None:
    """Two hours before Athens is UTC, or a shift from 04:00 to 12:00. Where the exports are taken when the shift ends, the second is sure."""
    past = [Exported(f"s_{n}.csv", profile(pl.LazyFrame(day(n))), datetime(2026, 3, 1, 14, 10) + timedelta(days=n)) for n in range(10)]
    early = profile(pl.LazyFrame(clock(day(10), -2)))
    zones = {"zone": "Europe/Athens", "plant_zone": "Europe/Athens"}
    source = Source.model_validate(SOURCE)
    assert [finding.what for finding in compare(Question(source, Exported("s_10.csv", early), past, **zones))] == ["ZONE", "ZONE"]
    taken = datetime(2026, 3, 11, 12, 10)  # two hours earlier as well
    assert compare(Question(source, Exported("s_10.csv", early, taken), past, **zones)) == []


# --- words ---------------------------------------------------------------------------------------------------------------------------------


def words(rows: Rows, known: Sequence[str] = ()) -> list[Finding]:
    return new_words(asked(rows), pl.LazyFrame(rows), "", known)


def test_a_state_that_no_map_knows_is_told_with_its_minutes() -> None:
    """Every fourth of 60 events of 8 min: 15 of them, two hours."""
    finding = one(words(day(10, State=lambda row: "W" if row % 4 == 3 else "R")))
    assert (finding.what, finding.new, finding.needs_a_person) == ("WORDS", "15 of 60 records, 120 min", True)
    assert finding.message == "'W' in column 'State' is not in the map of equipment_state_event.state_class; its records are rejected."
    assert (finding.edit, finding.advice) == (None, "tables.equipment_state_event.columns.state_class.map: {W: <what it means>}")


def test_a_state_that_is_spelled_like_another_is_proposed_as_it() -> None:
    source = merged(SOURCE, {"tables": {"equipment_state_event": {"columns": {"state_class": {"map": {"Running": "RUN"}}}}}})
    rows = day(10, State=lambda row: "Runing" if row % 2 else "R")
    finding = one(new_words(asked(rows, source=source), pl.LazyFrame(rows), "", ()))
    assert finding.edit == {"tables": {"equipment_state_event": {"columns": {"state_class": {"map": {"Runing": "RUN"}}}}}}
    assert path(finding.edit) == "tables.equipment_state_event.columns.state_class.map"


def test_one_misspelt_record_wakes_nobody() -> None:
    finding = one(words(day(10, State=lambda row: "Q" if row == 5 else "R")))
    assert (finding.what, finding.needs_a_person) == ("RARE_WORDS", False)


def test_a_new_reason_is_told_unless_the_reason_map_knows_it() -> None:
    rows = day(10, Reason=lambda row: "88" if row % 4 == 3 else "")
    finding = one(words(rows))
    assert (finding.what, finding.new, finding.needs_a_person) == ("REASONS", "15 of 60 records, 120 min", False)
    assert words(rows, known=["88"]) == []


# --- the file --------------------------------------------------------------------------------------------------------------------------------


def test_an_encoding_that_changed_is_told_where_it_was_found() -> None:
    past = [exported(f"stops_{n}.csv", day(n), layout={"encoding": "cp1252", "delimiter": ";"}) for n in range(5)]
    new = exported("stops_10.csv", day(5), layout={"encoding": "utf-8", "delimiter": ";"})
    finding = one(compare(Question(Source.model_validate(SOURCE), new, past)))
    assert (finding.what, finding.old, finding.new, finding.needs_a_person) == ("LAYOUT", "cp1252", "utf-8", False)


@pytest.mark.parametrize(
    ("options", "old", "new", "edit"),
    [
        ({"delimiter": ";"}, {"delimiter": ";"}, {"delimiter": ","}, {"delimiter": ","}),
        ({"encoding": "utf-8"}, {"encoding": "utf-8"}, {"encoding": "cp1252"}, {"encoding": "cp1252"}),
        ({"sheet": "Export"}, {"sheets": "Export\nHelp"}, {"sheets": "Data\nHelp"}, {"sheet": "Data"}),
    ],
)
def test_a_file_that_cannot_be_read_any_more(
    options: dict[str, str], old: dict[str, str], new: dict[str, str], edit: dict[str, str]
) -> None:
    source = Source.model_validate(SOURCE | {"kind": "excel" if "sheet" in options else "delimited", "options": options})
    finding = one(unreadable(source, "stops_10.csv", [old], new))
    assert (finding.what, finding.needs_a_person, finding.edit) == ("LAYOUT_UNREAD", True, since(options=edit))


# --- what is known only from real data ----------------------------------------------------------------------------------------------------

WIND = Path(__file__).resolve().parents[2] / "../shared/data/hist_wind_T1/T1.csv"


@pytest.mark.skipif(not WIND.exists(), reason="the public wind turbine data does not lie beside the checkout")
@pytest.mark.parametrize("records", [144, 1008])
def test_a_year_of_a_wind_turbine_is_no_change_of_unit(records: int) -> None:
    """351 days, or 51 weeks, of wind: no two are alike, and nobody changed anything."""
    rows = pl.read_csv(WIND, infer_schema=False)
    source = Source.model_validate(
        {"kind": "delimited", "path": "T1.csv", "tables": {"historian_sample": {"columns": {"ts": "Date/Time", "tags": "/.*/"}}}}
    )
    exports = [Exported(f"{n:04}", profile(rows.slice(n, records).lazy())) for n in range(0, len(rows), records)]
    findings = [finding for n, new in enumerate(exports) for finding in compare(Question(source, new, exports[max(0, n - 20) : n]))]
    assert [finding.message for finding in findings if finding.needs_a_person] == []


VALUE = st.one_of(
    st.none(), st.text(max_size=20), st.sampled_from(["1,5", "-.5", "1.2.26", "2026-03-01T06:00Z", "31.02.2026 24:00", "1e9", "٣"])
)


@given(st.lists(st.lists(VALUE, min_size=3, max_size=3), max_size=12), st.lists(st.lists(VALUE, min_size=3, max_size=3), max_size=12))
def test_whatever_stands_in_the_cells_has_a_profile_and_is_compared(before: list[list[Any]], now: list[list[Any]]) -> None:
    exports = [
        Exported(str(n), profile(pl.DataFrame(rows, schema=dict.fromkeys(["Start", "State", "Weight"], pl.String), orient="row").lazy()))
        for n, rows in enumerate([before, before, before, now])
    ]
    assert all(loads(export.profile.dumps()) == export.profile for export in exports)
    compare(Question(Source.model_validate(SOURCE), exports[-1], exports[:-1]))


def test_a_profile_is_small() -> None:
    made: Profile = exported("x", day(0)).profile
    assert len(made.dumps()) < 300 * len(made.columns)
