"""Plant files are strict: each problem names file and line, what is closest, and what to write; a broken plant stops no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import portfolio, yaml_lines
from connectors.errors import ConfigError, Problem
from connectors.models import PlantFile

GOOD = """\
plant: {plant}
name: Works
company: acme
timezone: Europe/Berlin
shifts:
  F: {{at: 06:00-14:00, days: Mon-Fri}}
sources:
  mes:
    kind: delimited
    path: mes_*.csv
    options: {{delimiter: ";"}}
    tables:
      equipment_state_event:
        columns:
          equipment: Unit
          start_ts: From
          state_class: {{from: State, map: {{on: RUN, off: IDLE, NO: UNKNOWN}}}}
"""


def write(root: Path, **plants: str) -> Path:
    (root / "plants").mkdir(exist_ok=True)
    (root / "portfolio.yaml").write_text("name: Test\n")
    for plant, text in plants.items():
        (root / "plants" / f"{plant}.yaml").write_text(text)
    return root


def good(plant: str = "p", **changed: str) -> str:
    """The good file with some lines replaced: the key is the line's first word."""
    lines = []
    for line in GOOD.format(plant=plant).splitlines():
        word = line.strip().partition(":")[0]
        lines.append(line[: len(line) - len(line.lstrip())] + changed[word] if word in changed else line)
    return "\n".join(lines) + "\n"


def problems(root: Path, **changed: str) -> list[Problem]:
    return portfolio.read(write(root, p=good(**changed))).problems


def only(root: Path, **changed: str) -> Problem:
    (problem,) = problems(root, **changed)
    return problem


def test_a_good_file_has_no_problem(tmp_path: Path) -> None:
    found = portfolio.read(write(tmp_path, p=good()))
    assert (list(found.plants), found.problems) == (["p"], [])


def test_words_stay_words(tmp_path: Path) -> None:
    plant = portfolio.read(write(tmp_path, p=good())).plants["p"]
    assert plant.sources["mes"].tables["equipment_state_event"].columns["state_class"].map == {"on": "RUN", "off": "IDLE", "NO": "UNKNOWN"}
    assert plant.shifts["F"].at == "06:00-14:00"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("off", "off"), ("yes", "yes"), ("06:00", "06:00"), ("0123", "0123"), ("1_000", "1_000"), ("2025-01-01", "2025-01-01"),
        ("1e3", "1e3"), ("12", 12), ("-1.5", -1.5), ("true", True), ("null", None), ("~", None), ("", None), ("'12'", "12"), ("0x1F", "0x1F"),
    ],
)  # fmt: skip
def test_yaml_1_2_scalars(tmp_path: Path, text: str, value: Any) -> None:
    (tmp_path / "a.yaml").write_text(f"key: {text}\n")
    assert yaml_lines.load(tmp_path / "a.yaml", "a.yaml") == {"key": value}


# --- where, what is closest, what to write --------------------------------------------------------------------------------


def test_an_unknown_key_names_its_line_and_the_closest_key(tmp_path: Path) -> None:
    problem = only(tmp_path, timezone="timzone: Europe/Berlin\ntimezone: Europe/Berlin")
    assert (problem.where, problem.message, problem.closest) == ("p · plants/p.yaml:4", "Unknown key 'timzone'.", "timezone")


def test_an_unknown_key_deep_in_the_file_knows_the_keys_of_its_place(tmp_path: Path) -> None:
    problem = only(tmp_path, start_ts="start_ts: {from: From, formt: '%Y'}")
    assert (problem.where, problem.closest) == ("p · plants/p.yaml:16", "format")


@pytest.mark.parametrize(
    ("changed", "line", "closest", "message"),
    [
        (
            {"state_class": "state_class: {from: State, map: {on: RUNN}}"},
            17,
            "RUN",
            "equipment_state_event.state_class has no word 'RUNN'.",
        ),
        ({"state_class": "state_class: {const: IDLEE}"}, 17, "IDLE", "equipment_state_event.state_class has no word 'IDLEE'."),
        (
            {"state_class": "state_class: {from: State, map: {on: RUN}, else: IDLEE}"},
            17,
            "IDLE",
            "equipment_state_event.state_class has no word 'IDLEE'.",
        ),
        (
            {"state_class": "state_class: {from: State, map: {on: PackML:Exec}}"},
            17,
            "PackML:Execute",
            "equipment_state_event.state_class has no word 'PackML:Exec'.",
        ),
        ({"state_class": "state_class: {from: State, map: PackMl}"}, 17, "PackML", "There is no standard of states 'PackMl'."),
        ({"timezone": "timezone: Europe/Berln"}, 4, "Europe/Berlin", "'Europe/Berln' is not a time zone."),
        ({"kind": "kind: delimitd"}, 9, "delimited", "There is no connector kind 'delimitd'."),
        ({"options": "options: {delimeter: ';'}"}, 11, "delimiter", "delimited has no option 'delimeter'."),
        (
            {"equipment_state_event": "equipment_state_events:"},
            13,
            "equipment_state_event",
            "There is no canonical table 'equipment_state_events'.",
        ),
        ({"start_ts": "start_ts: From\n          end: To"}, 17, "end_ts", "equipment_state_event has no column 'end'."),
        ({"company": "company: acme\nholidays: DE-XX"}, 4, None, "The calendar of DE has no region 'XX'."),
    ],
)
def test_a_name_that_is_not_known_names_the_closest(
    tmp_path: Path, changed: dict[str, str], line: int, closest: str | None, message: str
) -> None:
    problem = only(tmp_path, **changed)
    assert problem.message == message
    assert problem.export == f"plants/p.yaml:{line}"
    assert closest is None or problem.closest == closest


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "'name' is missing."),
        ({"start_ts": "end_ts: To"}, "equipment_state_event needs 'start_ts'"),
        ({"start_ts": "start_ts: {from: A, const: B}"}, "give exactly one of from, const, from_name, sql"),
        ({"start_ts": "start_ts: {from: A, regex: 'no group'}"}, "The pattern has no group"),
        ({"start_ts": "start_ts: {from: A, regex: '(open'}"}, "Not a regular expression"),
        ({"start_ts": "start_ts: {from: A, regex: '((?!1900).*)'}"}, "does not know this kind of pattern"),
        ({"F": "F: {at: 6-14, days: Mon-Fri}"}, "should match pattern"),
        ({"F": "F: {at: 06:00-14:00, days: Mo}"}, "is not a weekday"),
        ({"company": "company: acme\ncalendar: pattern2"}, "calendar"),
        ({"equipment_state_event": "equipment_state_event:\n        mode: snapshot"}, "cannot be written in mode 'snapshot'"),
        ({"equipment_state_event": "equipment_state_event:\n        records: lines"}, "has no records 'lines'"),
        ({"equipment_state_event": "equipment_state_event:\n        skip: {x: {column: A, matches: '('}}"}, "Not a regular expression"),
        (
            {"equipment_state_event": "equipment_state_event:\n        skip: {x: {column: A}}"},
            "give exactly one of in, not_in, matches, empty",
        ),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    assert any(said in str(problem) for problem in problems(tmp_path, **changed))


def test_record_sets_may_be_words_of_the_data(tmp_path: Path) -> None:
    """Segments of an IDoc: any name that looks like one is believed here, and told by the connector when no export has it."""
    idoc: dict[str, str] = {"kind": "kind: sap_idoc", "options": "options: {}"}
    for name in ("EDI_DC40", "E1AFVOL", "ZE1AFKO", "CustomData"):
        assert problems(tmp_path, equipment_state_event=f"equipment_state_event:\n        records: {name}", **idoc) == []
    wrong = only(tmp_path, equipment_state_event="equipment_state_event:\n        records: e1afvol", **idoc)
    assert (wrong.message, wrong.closest) == ("sap_idoc has no records 'e1afvol'.", "E1AFVOL")


def test_the_id_is_the_name_of_the_file(tmp_path: Path) -> None:
    (problem,) = portfolio.read(write(tmp_path, q=good("p"))).problems
    assert problem.fix == "plant: q, or rename the file to p.yaml"


def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    problem = only(tmp_path, company="company: acme\ncompany: other")
    assert "the key 'company' stands twice, first in line 3" in problem.message
    assert problem.export == "plants/p.yaml:4"


def test_broken_yaml_names_its_line(tmp_path: Path) -> None:
    problem = only(tmp_path, company="company: [acme")
    assert problem.message.startswith("Not valid YAML")
    assert str(problem.export).startswith("plants/p.yaml:")


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"just text\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_plant_file_is_one_broken_plant(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, q=good("q"))
    (tmp_path / "plants" / "p.yaml").write_bytes(content)
    found = portfolio.read(tmp_path)
    assert list(found.plants) == ["q"]
    assert list(found.broken) == ["p"]


def test_anchors_and_merges_are_yaml_as_people_know_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("base: &b {x: 1, y: 2}\nown: {<<: *b, y: 3}\n")
    assert yaml_lines.load(tmp_path / "a.yaml", "a.yaml")["own"] == {"x": 1, "y": 3}


def test_all_problems_of_all_plants_are_told_together(tmp_path: Path) -> None:
    two = good("p", timezone="timezone: Mars/Base", kind="kind: delimited", options="options: {delimeter: ';', encodng: x}")
    found = portfolio.read(write(tmp_path, p=two, q=good("q", kind="kind: exel"), r=good("r")))
    assert list(found.plants) == ["r"]
    assert [problem.found for problem in found.broken["p"]] == ["Mars/Base", "delimeter", "encodng"]
    assert [problem.closest for problem in found.broken["q"]] == ["excel"]


def test_a_plant_that_is_asked_for_and_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no plant 'works2'"):
        portfolio.read(write(tmp_path, works1=good("works1")), ("works2",))


def test_a_folder_without_portfolio_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no portfolio\.yaml"):
        portfolio.find(tmp_path)


def test_settings_of_the_plant_over_those_of_the_portfolio_over_plantlakes(tmp_path: Path) -> None:
    write(tmp_path, p=good(company="company: acme\nsettings: {microstop_s: 60}"))
    (tmp_path / "portfolio.yaml").write_text("name: Test\nsettings: {microstop_s: 120, min_rate_coverage: 0.9}\n")
    found = portfolio.read(tmp_path)
    settings = found.settings(found.plants["p"])
    assert (settings.microstop_s, settings.min_rate_coverage, settings.plan_freeze_h) == (60, 0.9, 24.0)


def test_a_plant_without_shifts_has_to_say_what_its_calendar_is() -> None:
    columns = {"equipment": "U"}
    source = {"kind": "delimited", "path": "*.csv", "tables": {"equipment": {"columns": columns}}}
    about = {"plant": "p", "name": "P", "company": "c", "timezone": "UTC", "sources": {"mes": source}}
    with pytest.raises(ValueError, match="no shifts are given"):
        PlantFile.model_validate(about)
    assert PlantFile.model_validate({**about, "calendar": "none"}).calendar_kind == "none"


# --- lines -------------------------------------------------------------------------------------------------------------------

LINES = """\
equipment: {units: {S1: {}, S2a: {}, S2b: {}, S3: {}, HALL: {kpi_unit: false}}}
lines:
  L1: {name: Line 1, area: HALL, stations: [S1, [S2a, S2b], S3], constraint: S2a}
"""


def with_lines(root: Path, text: str) -> list[Problem]:
    return portfolio.read(write(root, p=good() + text)).problems


def test_stations_in_a_list_inside_the_list_work_in_parallel(tmp_path: Path) -> None:
    line = portfolio.read(write(tmp_path, p=good() + LINES)).plants["p"].lines["L1"]
    assert (line.groups, line.codes, line.outputs) == ((("S1",), ("S2a", "S2b"), ("S3",)), ("S1", "S2a", "S2b", "S3"), ("S3",))


def test_a_station_that_is_no_unit_names_the_closest(tmp_path: Path) -> None:
    (problem,) = with_lines(tmp_path, LINES.replace("S2b], S3]", "S2b], S33]"))
    assert (problem.message, problem.found, problem.closest) == ("Line 'L1' names an unknown unit.", "S33", "S3")
    assert problem.export == "plants/p.yaml:20"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("constraint: S2a", "constraint: S9", "constraint 'S9' is none of the line's stations"),
        ("constraint: S2a", "output: HALL", "output 'HALL' is none of the line's stations"),
        ("S2b], S3]", "S2b], S1]", "a station stands twice in stations"),
        ("area: HALL", "area: HAL", "Line 'L1' names an unknown unit."),
        ("  L1: {", "  S1: {stations: [S2a]}\n  L1: {", "'S1' is a line and a unit."),
        ("  L1: {", "  L0: {stations: [S3]}\n  L1: {", "Station 'S3' is in the lines 'L0' and 'L1'."),
        ("stations: [S1, [S2a, S2b], S3]", "stations: []", "at least 1 item"),
    ],
)
def test_lines_that_cannot_be_meant_are_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert any(said in str(problem) for problem in with_lines(tmp_path, LINES.replace(old, new)))


def test_a_master_export_may_bring_the_stations(tmp_path: Path) -> None:
    master = "equipment:\n        columns: {equipment: No}\n      equipment_state_event:"
    text = good(equipment_state_event=master) + "lines: {L1: {stations: [S1, S2]}}\n"
    assert portfolio.read(write(tmp_path, p=text)).problems == []


# --- what needs something else, and names that are not kept ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            "production_count: {columns: {equipment: U, event_ts: At, good_qty: Q, operation: Op}}",
            "production_count.operation needs 'order'.",
        ),
        ("labour_time: {columns: {person: {const: Jane}, start_ts: A, end_ts: B}}", "labour_time.person has to come `from` a column."),
        (
            "labour_time: {columns: {person: Who, start_ts: A, end_ts: B, entry: [Who, A]}}",
            "Column 'Who' holds names that are not kept; labour_time.entry cannot be made of it.",
        ),
        (
            "labour_time: {columns: {person: Who, start_ts: A, end_ts: B}}\n      scrap: {columns: {equipment: Who, event_ts: A, qty: Q}}",
            "Column 'Who' holds names that are not kept; scrap.equipment cannot be made of it.",
        ),
    ],
)
def test_columns_that_do_not_go_together_are_told(tmp_path: Path, tables: str, said: str) -> None:
    assert [problem.message for problem in problems(tmp_path, equipment_state_event=f"{tables}\n      equipment_state_event:")] == [said]


def test_the_salt_of_names_is_the_environments_or_the_portfolios_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = portfolio.read(write(tmp_path, p=good()))
    monkeypatch.delenv("PLANTLAKE_PERSON_SALT", raising=False)
    assert found.person_salt == "Test"
    monkeypatch.setenv("PLANTLAKE_PERSON_SALT", "pepper")
    assert found.person_salt == "pepper"


# --- clocks ---------------------------------------------------------------------------------------------------------------------------

EVENTS = {"equipment_state_event": {"columns": {"equipment": "Unit", "start_ts": "From", "state_class": {"const": "RUN"}}}}
COUNTS = {"production_count": {"columns": {"equipment": "Unit", "event_ts": "At", "good_qty": {"from": "Good", "unit": "pcs"}}}}


def of_clocks(root: Path, **sources: dict[str, Any]) -> list[Problem]:
    """Problems of a plant with a PLC, an ERP and an MES, of which some say something of their clocks."""
    tables = {"mes": EVENTS, "plc": EVENTS, "erp": COUNTS}
    about = yaml.safe_load(GOOD.format(plant="p"))
    about["sources"] = {
        name: {"kind": "delimited", "path": f"{name}_*.csv", "tables": mapped, **sources.get(name, {})} for name, mapped in tables.items()
    }
    return portfolio.read(write(root, p=yaml.safe_dump(about, sort_keys=False))).problems


def test_a_source_may_follow_the_clock_of_another(tmp_path: Path) -> None:
    assert of_clocks(tmp_path, mes={"clock_reference": "plc"}) == []


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"mes": {"clock_reference": "plc", "clock_offset_s": 0}}, "clock_offset_s: 0 and sources.mes.clock_reference: plc"),
        ({"mes": {"clock_reference": "pcl"}}, "Closest: plc"),
        ({"mes": {"clock_reference": "mes"}}, "'mes' is no other source"),
        ({"mes": {"clock_reference": "erp"}}, "Found: plc"),
        ({"mes": {"clock_reference": "plc"}, "plc": {"clock_reference": "mes"}}, "Found: there is none"),
        ({"erp": {"clock_reference": "plc"}}, "Only a source of equipment_state_event"),
    ],
)
def test_clocks_that_cannot_be_meant_are_told(tmp_path: Path, sources: dict[str, dict[str, Any]], said: str) -> None:
    found = of_clocks(tmp_path, **sources)
    assert said in str(found[0])
    assert "plants/p.yaml:" in str(found[0])
    assert "clock_reference" in str(found[0].fix)
