"""JSON, beyond the samples: what is a record, what is told instead of lost, and that no mutation of a file ends in anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_files import DATA, mutated

from connectors.errors import ReadError
from connectors.kinds.files import record_frames
from connectors.kinds.files.json_records import CONNECTOR, JsonOptions

Make = Callable[..., Path]
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real plant files lie beside the checkout")


def dicts(path: Path, **options: Any) -> list[dict[str, Any]]:
    return CONNECTOR.read(path, JsonOptions.model_validate(options)).drop("_row").collect().to_dicts()


def error(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        CONNECTOR.read(path, JsonOptions.model_validate(options)).collect()
    return str(caught.value)


# --- values ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", ["1e-7", "12345678901234567890", "0.10", "-0.0", "1E400", "6.42E+29", "NaN", "-Infinity"])
def test_numbers_keep_their_digits(make: Make, digits: str) -> None:
    assert dicts(make(f'[{{"v": {digits}, "in": [{digits}]}}]')) == [{"v": digits, "in": f"[{digits}]"}]


def test_true_false_null_and_nothing_are_told_apart(make: Make) -> None:
    found = dicts(make('[{"a": true, "b": null, "c": ""}, {"a": false, "b": {}, "c": " x "}]'))
    assert found == [{"a": "true", "b": None, "c": ""}, {"a": "false", "b": "{}", "c": " x "}]


def test_a_number_of_thousands_of_digits_is_refused(make: Make) -> None:
    assert "1001 digits" in error(make(f'[{{"v": {"9" * 1001}}}]'))


@pytest.mark.parametrize("levels", [200, 100_000])
def test_deep_nesting_is_refused_before_it_ends_the_process(make: Make, levels: int) -> None:
    assert "nested deeper" in error(make('[{"a": ' + "[" * levels + "]" * levels + "}]"))
    assert "nested deeper" in error(make('{"a": ' * levels + "1" + "}" * levels))


def test_half_a_character_is_told_and_a_whole_pair_is_one(make: Make) -> None:
    assert dicts(make('[{"a": "\\ud83d\\ude00"}]')) == [{"a": "\U0001f600"}]
    for text in ('[{"a": "\\ud800"}, {"a": "1"}]', '{"a": "\\ud800"}\n{"a": "1"}\n', '[{"\\udc00": 1}, {"a": 1}]'):
        found = dicts(make(text))
        assert [(row["a"], row["_unreadable"]) for row in found] == [(None, "a text holds half a character"), ("1", None)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_encodings_are_detected(make: Make, encoding: str) -> None:
    assert dicts(make('[{"Größe": "µm"}]', encoding=encoding)) == [{"Größe": "µm"}]
    assert dicts(make('{"Größe": "µm"}\n{"Größe": 2}\n', encoding=encoding)) == [{"Größe": "µm"}, {"Größe": "2"}]


def test_line_breaks_inside_texts_are_kept(make: Make) -> None:
    assert dicts(make('[{"note": "two\nlines\tand more"}]')) == [{"note": "two\nlines\tand more"}]


# --- records --------------------------------------------------------------------------------------------------------------------


def test_a_single_object_is_one_record_and_values_may_follow_each_other(make: Make) -> None:
    assert dicts(make('{\n "a": 1,\n "b": [1, 2]\n}')) == [{"a": "1", "b": "[1, 2]"}]
    assert dicts(make('{\n"a": 1}{"a": 2}\n\n[{"a": 3}]')) == [{"a": "1"}, {"a": "2"}, {"a": "3"}]


def test_a_path_goes_through_arrays_and_takes_fields_above_along(make: Make) -> None:
    text = '{"day": {"no": 1}, "lines": [{"id": "A", "stops": [{"s": 1}, {"s": 2}]}, {"id": "B"}, {"id": "C", "stops": null}]}'
    found = dicts(make(text), rows="lines.stops", parents=["day.no", "lines.id"])
    assert found == [{"day.no": "1", "lines.id": "A", "s": "1"}, {"day.no": "1", "lines.id": "A", "s": "2"}]
    assert "No record has a field 'lines.name'" in error(make(text), rows="lines.stops", parents="lines.name")


def test_a_key_with_a_dot_needs_a_list(make: Make) -> None:
    assert dicts(make('{"a.b": [{"c.d": 1}]}'), rows=["a.b"]) == [{"c.d": "1"}]


def test_a_path_that_leads_nowhere_names_the_closest(make: Make) -> None:
    told = error(make('{"data": {"records": []}}'), rows="data.record")
    assert "no 'record' in 'data'" in told
    assert "options.rows: data.records" in told
    assert "is no object" in error(make('{"data": 5}'), rows="data.record")


def test_exploding_repeats_the_record_and_goes_through_several_levels(make: Make) -> None:
    text = '[{"o": 1, "ops": [{"no": 10, "steps": [{"s": "a"}, {"s": "b"}]}, {"no": 20, "steps": []}]}, {"o": 2, "ops": {"no": 30}}]'
    assert dicts(make(text), explode="ops.steps") == [
        {"o": "1", "ops.no": "10", "ops.steps.s": "a"},
        {"o": "1", "ops.no": "10", "ops.steps.s": "b"},
        {"o": "1", "ops.no": "20", "ops.steps.s": None},
        {"o": "2", "ops.no": "30", "ops.steps.s": None},
    ]


def test_objects_may_stay_json_and_names_of_plantlake_get_a_number(make: Make) -> None:
    found = dicts(make('[{"m": {"x": 0.10}, "_row": 5, "_surplus": 6, "": 7}]'), keep="m")
    assert found == [{"m": '{"x": 0.10}', "_row_2": "5", "_surplus_2": "6", "column": "7"}]


def test_names_that_polars_would_take_for_patterns(make: Make) -> None:
    assert dicts(make('[{"*": 1, "^T.*$": 2}]'), nulls=["-"]) == [{"*_2": "1", "^T.*$_2": "2"}]
    assert dicts(make('{"M1": {"a": 1}, "M2": {"a": 2}}'), rows="*") == [{"(key)": "M1", "a": "1"}, {"(key)": "M2", "a": "2"}]
    assert dicts(make('{"M1": {"n": 5, "l": [{"a": 1}]}}'), rows="*.l", parents="*.n") == [{"*.n": "5", "(key)": "M1", "a": "1"}]


def test_an_object_with_values_for_keys_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_frames, "MOST_COLUMNS", 20)
    path = make(json.dumps([{"by_serial": {f"S{n}": n for n in range(30)}}]))
    assert "options.keep" in error(path)
    assert len(dicts(path, keep="by_serial")) == 1


def test_words_for_nothing_become_null(make: Make) -> None:
    assert dicts(make('[{"a": "-", "b": "NULL"}, {"a": -1, "b": "x"}]'), nulls=["-", "NULL"]) == [
        {"a": None, "b": None}, {"a": "-1", "b": "x"},
    ]  # fmt: skip


def test_what_is_no_record_is_told(make: Make) -> None:
    found = dicts(make('[{"a": 1}, null, 5, "x"]'))
    assert [row["_unreadable"] for row in found] == [
        None, "the record is no object but null", "the record is no object but 5", 'the record is no object but "x"',
    ]  # fmt: skip
    assert dicts(make('["x", 2]'), columns="tag") == [{"tag": "x"}, {"tag": "2"}]


def test_two_fields_of_one_name_are_told(make: Make) -> None:
    assert dicts(make('[{"a": {"b": 1}, "a.b": 2}]'))[0]["_unreadable"] == "the field 'a.b' is there twice"
    assert "The key 'value' is there twice" in error(make('{"value": [{"a": 1}], "value": []}'), rows="value")


def test_editors_know_that_a_path_is_one_text_or_several() -> None:
    properties = JsonOptions.model_json_schema()["properties"]
    for name in ("rows", "explode", "parents", "keep", "fields", "columns"):
        assert [choice["type"] for choice in properties[name]["anyOf"]] == ["string", "array"]


# --- lines ----------------------------------------------------------------------------------------------------------------------


def test_a_broken_line_costs_itself_alone(make: Make) -> None:
    path = make('{"a": 1}\n{"a": }\n{"a": 3} x\n{"a": 4}\n')
    found = dicts(path)
    assert [row["a"] for row in found] == ["1", None, None, "4"]
    assert [row["_surplus"] for row in found] == [None, '{"a": }', '{"a": 3} x', None]
    assert found[2]["_unreadable"] == "more than one value stands in the line"
    originals = CONNECTOR.originals(path, JsonOptions(), "rows", [3, 4])
    assert {row: (told.place, told.text) for row, told in originals.items()} == {3: ("line 3", '{"a": 3} x'), 4: ("line 4", '{"a": 4}')}


def test_a_broken_first_line_does_not_hide_that_these_are_lines(make: Make) -> None:
    assert [row["a"] for row in dicts(make('"a": 1}\n{"a": 2}\n'), lines=True)] == [None, "2"]
    assert [row["a"] for row in dicts(make('{"a": 1\n{"a": 2}\n{"a": 3}\n'))] == [None, "2", "3"]


def test_a_printed_document_is_no_lines(make: Make) -> None:
    for text in ('[\n{"a": 1}\n]', '[\n{"a": 1},\n{"a": 2}\n]\n', '{"value": [\n{"a": 1}\n]}'):
        assert len(dicts(make(text), rows="value" if "value" in text else ())) >= 1


def test_no_line_that_is_json_is_an_error(make: Make) -> None:
    assert "No JSON" in error(make("{a: 1}\n{a: 2}\n"), lines=True)


def test_records_in_several_files_are_one_frame_in_order(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_frames, "HELD_ROWS", 7)
    path = make("".join(json.dumps({"n": n, **({f"x{n // 10}": n} if n % 10 == 3 else {})}) + "\n" for n in range(50)))
    frame = CONNECTOR.read(path, JsonOptions()).collect()
    assert frame["_row"].to_list() == list(range(1, 51))
    assert frame["n"].to_list() == [str(n) for n in range(50)]
    assert frame.columns == ["_row", "n", "x0", "x1", "x2", "x3", "x4"]
    assert frame["x4"].drop_nulls().to_list() == ["43"]


# --- laws -----------------------------------------------------------------------------------------------------------------------

LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8
)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SIGNS = b'{}[],:"\\0-e \n\x00\xff\x80u'
SEEDS = [
    b'{"value": [{"a": 1.50, "b": {"c": null}}, {"a": "x\\u00e9", "b": [true, {}]}], "n": 1}',
    b'{"a": 1, "b": "x"}\n{"a": 2e-3, "c": [1, 2]}\n{"a": "\\ud83d\\ude00"}\n',
    '[{"Größe": "µ"}, {"Größe": -0.5}]'.encode("utf-8-sig"),
]


@FUZZ
@given(st.lists(st.fixed_dictionaries({"id": LEAF, "x": VALUE}), max_size=4))
def test_every_value_that_python_writes_is_read(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    path = tmp_path / "law.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    found = CONNECTOR.read(path, JsonOptions(keep=("x",), fields=("id",))).collect()
    assert found["_row"].to_list() == list(range(1, len(records) + 1))
    if "_unreadable" not in found.columns:
        assert found["id"].to_list() == [
            None if r["id"] is None else json.dumps(r["id"]) if not isinstance(r["id"], str) else r["id"] for r in records
        ]


@FUZZ
@given(st.data())
def test_whatever_happens_to_a_file_it_is_a_frame_or_a_read_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "fuzz.json"
    path.write_bytes(mutated(data, SEEDS, SIGNS))
    options = data.draw(st.sampled_from([{}, {"rows": "value"}, {"explode": "b"}, {"rows": "value.*", "parents": "n"}, {"lines": True}]))
    try:
        frame = CONNECTOR.read(path, JsonOptions.model_validate(options)).collect()
    except ReadError as told:
        assert told.problems[0].message
    else:
        assert frame["_row"].to_list() == list(range(1, frame.height + 1))


# --- real files -----------------------------------------------------------------------------------------------------------------


@real
@pytest.mark.parametrize(
    ("name", "options", "height", "some"),
    [
        ("erpnext_demo/Item.json", {}, 22, ["item_code", "docstatus"]),
        ("erpnext_demo/BOM.json", {}, 5, ["name", "items", "operations"]),
        ("erpnext_demo/Operation.json", {}, 6, ["name", "workstation"]),
        ("erpnext_demo/Workstation.json", {"explode": "working_hours"}, None, ["hour_rate", "working_hours.start_time"]),
        ("erpnext_demo/Holiday List.json", {"explode": "holidays"}, None, ["holiday_list_name", "holidays.holiday_date"]),
        ("erpnext_demo/Shipping Rule.json", {}, 0, []),
        ("erp_s4_odata/Inputs/EC_MC_sample_production_order_events.json", {}, 1, ["production_order.work.work_no"]),
        ("pi_webapi_json/summary_total_monthly_pump_flow.json", {"rows": "Items"}, 12, ["Type", "Value.Timestamp", "Value.Value"]),
    ],
)
def test_real_files(name: str, options: dict[str, Any], height: int | None, some: list[str], tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_bytes((DATA / name).read_bytes())
    frame = CONNECTOR.read(path, JsonOptions.model_validate(options)).collect()
    assert set(some) <= set(frame.columns)
    assert height is None or frame.height == height
    assert "_unreadable" not in frame.columns


@real
def test_every_real_json_reads_to_what_python_reads(tmp_path: Path) -> None:
    files = sorted(DATA.glob("erpnext_demo/*.json"))
    for file in files:
        path = tmp_path / file.name
        path.write_bytes(file.read_bytes())
        wanted = json.loads(file.read_bytes().decode("utf-8-sig"), parse_float=str, parse_int=str)
        found = CONNECTOR.read(path, JsonOptions()).collect()
        assert found.height == len(wanted), file.name
        for record, row in zip(wanted, found.to_dicts(), strict=True):
            flat = {key: value for key, value in record.items() if not isinstance(value, dict | list | bool)}
            assert {key: row[key] for key in flat} == flat
