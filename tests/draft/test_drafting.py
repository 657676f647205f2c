"""Constructed exports to plant files: what is decided, what is marked, and that the plant file then reads every record."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from drafts import KNOWN, Drafts, decided

from connectors.errors import PlantlakeError
from connectors.registry import KINDS
from connectors.yaml_lines import load
from pipelines.draft import drafting, looks, plant_yaml
from pipelines.draft.drafting import Stated
from pipelines.draft.guess import Comment, Guess, unknown

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipelines"))
from test_cli import run

STATES = """Maschine;Beginn;Ende;Zustand;Störgrund;Bemerkung
P1;19.11.2026 06:00:00;19.11.2026 06:30:00;Rüsten;21;
P1;19.11.2026 06:30:00;19.11.2026 09:00:00;Produktion;;
P1;19.11.2026 09:00:00;19.11.2026 09:40:00;Störung;12;Werkzeugbruch
P2;19.11.2026 06:00:00;19.11.2026 10:00:00;Produktion;;
P2;19.11.2026 10:00:00;19.11.2026 10:20:00;Xanadu;12;Werkzeugbruch
"""
COUNTS = """Work center,Finished,Material,Order,Yield,Scrap,Weight (kg)
P1,11/19/2026 08:45:00,M-100,4711,300,10,"1,234.50"
P1,11/19/2026 13:30:00,M-100,4711,350,5,"1,432.00"
P2,11/19/2026 13:45:00,M-200,4712,320,5,"998.25"
"""


def columns(draft: drafting.Draft, source: str, table: str) -> dict[str, Any]:
    start = f"sources.{source}.tables.{table}.columns."
    return {key.removeprefix(start): decision.value for key, decision in decided(draft).items() if key.startswith(start)}


def test_states_of_a_german_plant(drafts: Drafts) -> None:
    """Five records; one word that no list knows is left open, and answered STOP all five are read."""
    drafts.put("mes/zustand_20261119.csv", STATES, "cp1252")
    draft = drafts.draft()
    found = decided(draft)
    assert found["sources.zustand.path"].value == "mes/zustand_*.csv"
    assert found["sources.zustand.options.delimiter"].value == ";"
    assert (found["sources.zustand.options.encoding"].value, found["sources.zustand.options.encoding"].sure) == ("cp1252", 85)
    assert (found["sources.zustand.covers"].value, found["sources.zustand.covers"].sure) == ({"from_name": "zustand_(\\d{8})"}, 75)
    state = columns(draft, "zustand", "equipment_state_event")
    assert state["equipment"] == "Maschine"
    assert state["start_ts"] == {"from": "Beginn", "format": "%d.%m.%Y %H:%M:%S"}
    assert state["end_ts"] == {"from": "Ende", "format": "%d.%m.%Y %H:%M:%S"}
    assert (state["source_state"], state["source_reason_code"]) == ("Zustand", "Störgrund")
    words = {"Rüsten": "SETUP", "Produktion": "RUN", "Störung": "DELAY_EQ", "Xanadu": "???"}
    assert state["state_class"] == {"from": "Zustand", "map": words}
    assert [decision.where.rpartition(".")[2] for decision in draft.open] == ["Xanadu"]
    assert "#   12 (Werkzeugbruch): E-TOOL, sure: 70 %, 2 records" in draft.text
    assert drafts.checked() == (None, ["'Xanadu' is left open."])
    assert drafts.conformed(drafts.decide(Xanadu="STOP")) == {"zustand.equipment_state_event": (5, 0)}


def test_confirmations_of_an_american_plant(drafts: Drafts) -> None:
    """The 19 in the second place is a day: month first. 1,234.50 proves the comma between thousands. Nothing is left open."""
    drafts.put("confirmations.csv", COUNTS)
    draft = drafts.draft()
    count = columns(draft, "confirmations", "production_count")
    assert count["event_ts"] == {"from": "Finished", "format": "%m/%d/%Y %H:%M:%S", "stamped": "end"}
    assert {name: count[name] for name in ("equipment", "material", "order", "good_qty", "scrap_qty")} == {
        "equipment": "Work center", "material": "Material", "order": "Order", "good_qty": "Yield", "scrap_qty": "Scrap",
    }  # fmt: skip
    assert decided(draft)["sources.confirmations.options.thousands"].value == ","
    assert decided(draft)["settings.state_method" if "settings.state_method" in decided(draft) else "settings"].value in (
        "NONE",
        {"state_method": "NONE"},
    )
    assert "# not mapped: Weight (kg)" in draft.text
    assert draft.open == []
    plant, problems = drafts.checked()
    assert problems == []
    assert plant is not None
    assert drafts.conformed(plant) == {"confirmations.production_count": (3, 0)}


def test_an_undecided_date_is_marked_where_it_stands(drafts: Drafts) -> None:
    drafts.put("a.csv", "Machine,Start,State\nM1,05/04/2026 06:00,Run\nM1,05/04/2026 07:00,Idle\n")
    draft = drafts.draft()
    (line,) = [line for line in draft.text.splitlines() if line.strip().startswith("start_ts:")]
    assert "no number passes 12" in line
    assert line.endswith("sure: 50 %")
    assert '"%d/%m/%Y %H:%M"' in line


def test_a_date_in_the_name_is_the_day_of_the_records_or_of_the_export(drafts: Drafts) -> None:
    """The records of 19 November in a file of the 19th: it covers that day. In a file of the 21st: it was taken then."""
    drafts.put("a_20261119.csv", COUNTS)
    assert decided(drafts.draft())["sources.a.covers"].value == {"from_name": "a_(\\d{8})"}
    drafts.put("a_20261119.csv", COUNTS).rename(drafts.landing / "a_20261121.csv")
    found = decided(drafts.draft())
    assert found["sources.a.exported_at"].value == {"from_name": "a_(\\d{8})"}
    assert "sources.a.covers" not in found


def test_exports_of_a_folder_are_grouped(drafts: Drafts) -> None:
    """Nine days of states are one source, although other files lie beside them; the same name with other columns is another."""
    for day in range(11, 20):
        drafts.put(f"in/stops_202611{day}.csv", STATES.replace("19.11.", f"{day}.11."))
    drafts.put("in/counts_20261119.csv", COUNTS)
    drafts.put("in/README.md", "# notes")
    drafts.put("in/broken.csv", b"")
    drafts.put("in/picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00")
    draft = drafts.draft()
    assert [(source.name, source.path, source.exports, source.looked_at) for source in draft.sources] == [
        ("counts", "in/counts_*.csv", 1, 1), ("stops", "in/stops_*.csv", 9, 6),
    ]  # fmt: skip
    assert dict(draft.left_out)["in/README.md"] == "documentation"
    assert "empty" in dict(draft.left_out)["in/broken.csv"]
    assert "in/picture.csv" in dict(draft.left_out)
    assert draft.failed == 2
    plant = drafts.decide(Xanadu="STOP")
    assert drafts.conformed(plant) == {"counts.production_count": (3, 0), "stops.equipment_state_event": (45, 0)}


def test_a_wide_historian(drafts: Drafts) -> None:
    """Decimal commas, a day and a clock in two columns, a sentinel in a value; each number is a tag."""
    rows = [f"{day:02d}.11.2026;{hour:02d}:00:00;{day},{hour:02d};{hour},5" for day in (18, 19) for hour in range(24)]
    rows[5] = "18.11.2026;05:00:00;n/a;5,5"
    drafts.put("log.csv", "Datum;Uhrzeit;Temp [°C];Druck [bar]\n" + "\n".join(rows) + "\n")
    draft = drafts.draft()
    found = columns(draft, "log", "historian_sample")
    assert found["ts"] == {"from": ["Datum", "Uhrzeit"], "format": "%d.%m.%Y %H:%M:%S"}
    assert found["tags"] == {"from": ["Temp [°C]", "Druck [bar]"], "nulls": ["n/a"]}
    assert decided(draft)["sources.log.options.decimal"].value == ","
    plant, problems = drafts.checked()
    assert (problems, plant is not None) == ([], True)
    assert plant is not None
    assert drafts.conformed(plant) == {"log.historian_sample": (48, 0)}


def test_a_long_historian_in_another_language(drafts: Drafts) -> None:
    drafts.put(
        "点位.csv", "测点,时间,数值,质量\n" + "".join(f"T{n % 2},2026-11-19 06:{n:02d}:00,{n}.5,GOOD\n" for n in range(20)), "gb18030"
    )
    draft = drafts.draft()
    assert columns(draft, draft.sources[0].name, "historian_sample") == {"tag": "测点", "ts": "时间", "value": "数值", "quality": "质量"}
    assert decided(draft)[f"sources.{draft.sources[0].name}.options.encoding"].value == "gb18030"
    plant, _ = drafts.checked()
    assert plant is not None
    assert list(drafts.conformed(plant).values()) == [(20, 0)]


def test_units_below_the_header(drafts: Drafts) -> None:
    rows = "".join(f"2026-11-19 06:{n:02d}:00,{n}.5,{n}.25\n" for n in range(20))
    drafts.put("log.csv", f"Timestamp,Power,Pressure\n,kW,bar\n{rows}")
    draft = drafts.draft()
    assert decided(draft)["sources.log.options.units_row"].value is True
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant)["log.historian_sample"] == (20, 0)


def test_states_on_a_grid_are_intervals(drafts: Drafts) -> None:
    """One stamp a record every five minutes: whether it ends or starts its interval is for a person."""
    rows = "".join(f"M1,2026-11-19 {n // 12:02d}:{n % 12 * 5:02d}:00,{'Run' if n % 3 else 'Idle'}\n" for n in range(60))
    drafts.put("log.csv", f"Machine,Timestamp,Status\n{rows}")
    found = decided(drafts.draft())["sources.log.tables.equipment_state_event.intervals"]
    assert (found.value, found.sure) == ({"stamped": "end", "grid_s": 300}, 60)


def test_days_and_shifts(drafts: Drafts) -> None:
    """A total of a shift is placed by the day and the shift, whose hours only a person knows."""
    drafts.put("totals.csv", "Machine,Production date,Shift,Good,Scrap\nM1,2026-11-19,A,100,2\nM1,2026-11-19,B,90,1\n")
    draft = drafts.draft(Stated("Works", "acme", "Europe/Berlin"))
    assert columns(draft, "totals", "production_count")["event_ts"] == {"from": "Production date", "shift": "Shift"}
    assert [decision.where for decision in draft.open] == ["shifts.A.at", "shifts.B.at"]
    assert drafts.checked()[1] == ["'A' is left open.", "'B' is left open."]


def test_totals_are_told_by_their_sums(drafts: Drafts) -> None:
    """Columns called n1, Good and n2: in each record n1 = Good + n2."""
    rows = "".join(f"M1,2026-11-19 {n:02d}:00,{90 + n + n % 3},{90 + n},{n % 3}\n" for n in range(20))
    drafts.put("log.csv", f"Machine,Time,n1,Good,n2\n{rows}")
    found = columns(drafts.draft(), "log", "production_count")
    assert (found["produced_qty"], found["good_qty"], found["scrap_qty"]) == ("n1", "Good", "n2")


def test_the_last_record_decides_the_order_of_day_and_month(drafts: Drafts) -> None:
    """25,000 records of 5 April (or 4 May), then one of the 13th: beyond the records that are looked at."""
    rows = [f"05/04/2026 06:{n % 60:02d};{n}" for n in range(25_000)]
    drafts.put("log.csv", "Time;Level\n" + "\n".join([*rows, "13/04/2026 06:00;1"]) + "\n")
    draft = drafts.draft()
    assert columns(draft, "log", "historian_sample")["ts"] == {"from": "Time", "format": "%d/%m/%Y %H:%M"}
    assert decided(draft)["sources.log.tables.historian_sample.columns.ts"].sure >= 90


def test_titles_above_the_header(drafts: Drafts) -> None:
    drafts.put("a.csv", f"Report of press shop\n\n{COUNTS}")
    draft = drafts.draft()
    found = decided(draft)["sources.a.options.header"]
    assert (found.value, found.sure) == (3, 85)
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"a.production_count": (3, 0)}


def test_cancelled_confirmations_of_sap(drafts: Drafts) -> None:
    """AFRU as a table dump: the cancelling record counts negative."""
    head = "MANDT,RUECK,RMZHL,AUFNR,VORNR,ARBPL,BUDAT,ISDD,ISDZ,IEDD,IEDZ,LMNGA,XMNGA,MEINH,STOKZ,STZHL"
    rows = [
        "100,0000000207,00000001,000004711000,0010,P1,20261119,20261119,060000,20261119,140000,100,2,ST,,00000000",
        "100,0000000207,00000002,000004711000,0010,P1,20261120,20261120,060000,20261120,240000,90,1,ST,X,00000000",
        "100,0000000207,00000003,000004711000,0010,P1,20261120,20261120,060000,20261120,240000,90,1,ST,,00000002",
    ]
    drafts.put("AFRU.csv", "\n".join([head, *rows]) + "\n")
    found = columns(drafts.draft(), "afru", "production_count")
    assert found["document"] == {"from": ["RUECK", "RMZHL"], "sep": "-"}
    assert found["event_ts"] == {"from": ["IEDD", "IEDZ"], "format": "%Y%m%d %H%M%S", "stamped": "end"}
    assert found["good_qty"] == {"from": "LMNGA", "unit_from": "MEINH", "negate": {"column": "STZHL", "not_in": ["00000000", "0", ""]}}
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"afru.production_count": (3, 0)}


def test_confirmations_that_cancel_others(drafts: Drafts) -> None:
    """The second record cancels the first with a positive quantity: its sign is turned."""
    drafts.put(
        "c.csv", "Confirmation,Cancels,Machine,Order,Finished,Yield\n1,,P1,4711,2026-11-19 08:00,300\n2,1,P1,4711,2026-11-19 09:00,300\n"
    )
    found = columns(drafts.draft(), "c", "production_count")
    assert found["good_qty"] == {"from": "Yield", "negate": {"column": "Cancels", "empty": False}}
    assert (found["reverses"], found["count_source"]) == ("Cancels", {"const": "ERP_CONFIRMATION"})


def test_readings_of_a_counter_are_not_pieces_in_silence(drafts: Drafts) -> None:
    """12 more at every record of each machine: the numbers are readings."""
    rows = "".join(f"M{n % 2},2026-11-19 {n // 60:02d}:{n % 60:02d}:00,{12 * n}\n" for n in range(100))
    drafts.put("log.csv", f"Machine,Time,Part count\n{rows}")
    found = decided(drafts.draft())["sources.log.tables.production_count.columns.produced_qty"]
    assert (found.value, found.sure) == ("Part count", 30)
    assert "counter" in found.why


def test_one_day_and_two_clocks(drafts: Drafts) -> None:
    """A day, a start and an end; without a length, an end after midnight would lie before its start."""
    rows = "".join(f"M1;{n:02d}/11/2026;0{n % 9}:10;0{n % 9}:20;Avería\n" for n in range(1, 20))
    drafts.put("paradas.csv", f"Máquina;Fecha;Hora inicio;Hora fin;Motivo de parada\n{rows}")
    draft = drafts.draft()
    found = columns(draft, "paradas", "equipment_state_event")
    assert found["start_ts"] == {"from": ["Fecha", "Hora inicio"], "format": "%d/%m/%Y %H:%M"}
    assert found["end_ts"] == {"from": ["Fecha", "Hora fin"], "format": "%d/%m/%Y %H:%M"}
    assert decided(draft)["sources.paradas.tables.equipment_state_event.columns.end_ts"].sure == 70
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"paradas.equipment_state_event": (19, 0)}


@pytest.mark.parametrize(
    ("codes", "wanted"), [(("192", "24", "64"), {"192": "GOOD", "24": "BAD", "64": "UNCERTAIN"}), (("0",), {"0": "???"})]
)
def test_codes_of_quality(drafts: Drafts, codes: tuple[str, ...], wanted: dict[str, str]) -> None:
    """A 192 is OPC Classic. 0 alone is the best of one standard and the worst of another: a person has to say."""
    rows = "".join(f"T{n % 3},2026-11-19 06:{n:02d}:00,{n}.5,{codes[n % len(codes)]}\n" for n in range(30))
    drafts.put("log.csv", f"TagName,TimeStamp,Value,OPCQuality\n{rows}")
    assert columns(drafts.draft(), "log", "historian_sample")["quality"] == {"from": "OPCQuality", "map": wanted}


def test_words_of_a_closed_list(drafts: Drafts) -> None:
    """Words of an ERP become those of the lake; where one is unknown, a column that may be left out is."""
    rows = "".join(f"WO{n},A{n % 3},{100 + n % 7},2026-12-{n:02d},{'Released' if n % 2 else 'Planned'}\n" for n in range(10, 30))
    drafts.put("orders.csv", f"Order No,Item,Qty ordered,Due date,Status\n{rows}")
    found = columns(drafts.draft(), "orders", "production_order")
    assert found["status"] == {"from": "Status", "map": {"Planned": "Waiting", "Released": "Ready"}}
    drafts.put("orders.csv", f"Order No,Item,Qty ordered,Due date,Status\n{rows}WO99,A1,5,2026-12-01,Xanadu\n")
    draft = drafts.draft()
    assert "status" not in columns(draft, "orders", "production_order")
    assert "# not mapped: Status" in draft.text
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"orders.production_order": (21, 0)}


def test_totals_at_the_end_are_no_record(drafts: Drafts) -> None:
    """Two exports of three shifts each, with titles, a line of units and a line of totals: six records."""
    for day in (18, 19):
        rows = "".join(f"{day}.11.2026;{shift};P1;{100 + n};{n}\n" for n, shift in enumerate("FSN"))
        drafts.put(
            f"bericht_202611{day}.csv", f"Schichtbericht Werk 3\n\nDatum;Schicht;Anlage;Gutmenge;Ausschuss\n;;;kg;kg\n{rows}Summe;;;303;3\n"
        )
    draft = drafts.draft(Stated("Works", "acme", "Europe/Berlin"))
    found = decided(draft)
    assert (found["sources.bericht.options.footer"].value, found["sources.bericht.options.header"].value) == ("^Summe", 3)
    count = columns(draft, "bericht", "production_count")
    assert count["event_ts"] == {"from": "Datum", "format": "%d.%m.%Y", "shift": "Schicht"}
    assert count["good_qty"] == {"from": "Gutmenge (kg)", "unit": "kg"}
    assert draft.sources[0].records == 6
    path = drafts.root / "plants" / "p.yaml"
    text = path.read_text()
    for at in ("06:00-14:00", "14:00-22:00", "22:00-06:00"):
        text = text.replace('at: "???"', f'at: "{at}"', 1)
    path.write_text(text)
    plant, problems = drafts.checked()
    assert problems == []
    assert plant is not None
    assert drafts.conformed(plant) == {"bericht.production_count": (6, 0)}


def test_a_file_without_a_header(drafts: Drafts) -> None:
    """The first line holds data: columns are called by their positions, and that is marked."""
    drafts.put("log.csv", "".join(f"2026-11-19 06:{n:02d}:00,{80 + n}.5,{n}.25\n" for n in range(30)))
    draft = drafts.draft()
    found = decided(draft)["sources.log.options.header"]
    assert (found.value, found.sure) == (False, 80)
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"log.historian_sample": (30, 0)}


def test_a_sheet_of_pi_datalink(drafts: Drafts) -> None:
    """Pairs of time and value below names and units: 30 samples of each of two tags."""
    rows = "".join(f"19-Nov-26 06:{n:02d}:00,{80 + n}.5,19-Nov-26 06:{n:02d}:30,{n}.25\n" for n in range(30))
    drafts.put("datalink.csv", f"TI-101,,FI-102,\nReactor,,Feed,\nCelsius,,m3/h,\n{rows}")
    draft = drafts.draft()
    assert [(source.kind, source.tables) for source in draft.sources] == [("pi_csv", ["historian_sample"])]
    assert columns(draft, "datalink", "historian_sample")["ts"] == {"from": "timestamp", "format": "%d-%b-%y %H:%M:%S"}
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"datalink.historian_sample": (60, 0)}


def test_a_preset_that_fits_is_named(drafts: Drafts) -> None:
    samples = Path(__file__).resolve().parents[1] / "connectors" / "presets" / "sap.afru"
    for path in samples.iterdir():
        if path.suffix in (".csv", ".txt"):
            drafts.put(path.name, path.read_bytes())
    assert "preset: sap.afru may stand instead" in drafts.draft().text


# --- other kinds -------------------------------------------------------------------------------------------------------------------


def test_sheets_are_sources(drafts: Drafts) -> None:
    path = drafts.landing / "report.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, rows in {
            "Stops": [
                ["Machine", "Start", "End", "Reason"],
                *[["M1", f"2026-11-19 0{n}:00:00", f"2026-11-19 0{n}:10:00", str(n)] for n in range(6)],
            ],
            "Items": [["Item Code", "Item Name", "Unit"], *[[f"A{n}", f"Part {n}", "pcs"] for n in range(6)]],
            "Notes": [["nothing"]],
        }.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    draft = drafts.draft()
    assert {source.name: source.tables for source in draft.sources} == {
        "report_stops": ["equipment_state_event"],
        "report_items": ["material"],
    }
    assert decided(draft)["sources.report_stops.options.sheet"].value == "Stops"
    plant, problems = drafts.checked()
    assert problems == []
    assert plant is not None
    assert drafts.conformed(plant) == {"report_stops.equipment_state_event": (6, 0), "report_items.material": (6, 0)}


def test_records_inside_json(drafts: Drafts) -> None:
    records = [{"machine": "M1", "start": f"2026-11-19T0{n}:00:00Z", "state": "running" if n % 2 else "idle"} for n in range(8)]
    drafts.put("states.json", json.dumps({"plant": "x", "meta": {"n": 8}, "data": {"results": records, "links": [{"a": 1}]}}))
    draft = drafts.draft()
    assert decided(draft)["sources.states.options.rows"].value == "data.results"
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"states.equipment_state_event": (8, 0)}


def test_records_inside_xml(drafts: Drafts) -> None:
    stops = "".join(
        f'<Stop machine="M1"><Start>2026-11-19T0{n}:00:00</Start><End>2026-11-19T0{n}:05:00</End><ReasonCode>{n}</ReasonCode></Stop>'
        for n in range(6)
    )
    drafts.put("stops.xml", f"<Report><Header><Plant>x</Plant></Header><Stops>{stops}</Stops></Report>")
    draft = drafts.draft()
    assert decided(draft)["sources.stops.options.rows"].value == "Stops/Stop"
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"stops.equipment_state_event": (6, 0)}


def test_parquet_keeps_its_types(drafts: Drafts) -> None:
    pl.DataFrame(
        {
            "machine": ["M1", "M2"] * 3,
            "ts": pl.datetime_range(pl.datetime(2026, 11, 19), pl.datetime(2026, 11, 19, 5), "1h", eager=True),
            "good": range(6),
        }
    ).write_parquet(drafts.landing / "counts.parquet")
    draft = drafts.draft()
    assert (draft.sources[0].kind, draft.sources[0].tables) == ("parquet", ["production_count"])
    plant, _ = drafts.checked()
    assert plant is not None
    assert drafts.conformed(plant) == {"counts.production_count": (6, 0)}


SAMPLES = Path(__file__).resolve().parents[1] / "connectors" / "samples"


@pytest.mark.parametrize(
    ("sample", "kind", "tables"),
    [
        ("mtconnect_shdr/states", "mtconnect_shdr", {"equipment_state_event", "historian_sample"}),
        ("mtconnect/states", "mtconnect", {"equipment_state_event", "historian_sample"}),
        ("pi_web_api/recorded", "pi_web_api", {"historian_sample"}),
        ("sap_idoc/operations", "sap_idoc", {"production_order", "order_operation"}),
        ("sap_odata/v2", "sap_odata", {"production_count"}),
        ("b2mml/material_actuals", "b2mml", {"production_count"}),
        ("proficy_csv/sections", "proficy_csv", {"historian_sample"}),
        ("influx/annotated", "influx", {"historian_sample"}),
        ("aveva_historian/import", "aveva_historian", {"historian_sample"}),
        ("pi_csv/sheet", "pi_csv", {"historian_sample"}),
    ],
)
def test_each_kind_is_told_by_its_bytes(drafts: Drafts, sample: str, kind: str, tables: set[str]) -> None:
    for path in (SAMPLES / sample).iterdir():
        if path.is_file() and path.suffix not in (".py", ".yaml", ".yml"):
            drafts.put(f"{path.name}.dat" if path.suffix == ".txt" else path.name, path.read_bytes())
    draft = drafts.draft()
    found = {table for source in draft.sources if source.kind == kind for table in source.tables}
    assert tables & found, draft.text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("weather,station=a temp=21.5,hum=40i 1795068000000000000\nweather,station=b temp=22.5 1795068000000000000\n", "influx"),
        ("# DDL\nCREATE DATABASE x\n# DML\n", "influx"),
        ("[Data]\nTagname,TimeStamp,Value,DataQuality\nA,7/20/01 11:07,1,Good\n", "proficy_csv"),
        ("1601890328:76000000,A,1.5,Float,GOOD\n1601890329:76000000,A,1.6,Float,GOOD\n", "proficy_csv"),
        ("-----------------\n|Plant|Material|\n-----------------\n|1000 |M1      |\n|1000 |M2      |\n-----------------\n", "sap_spool"),
        ("Machine;State\nM1;Run\n", "delimited"),
        ("2026-11-19T06:00:00Z|exec|ACTIVE\n2026-11-19T06:00:01Z|exec|READY\n", "mtconnect_shdr"),
        ("a=1 b\nc\n", "delimited"),
    ],
)
def test_texts_are_told_by_their_first_lines(tmp_path: Path, text: str, kind: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    assert looks.kind_of(path) == kind


def test_what_is_recognised_is_a_kind() -> None:
    assert set(looks.RECOGNISED) <= set(KINDS)


# --- the text ----------------------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Words that YAML would take for something else, quotes, emoji and control characters come back as they were."""
    words = [
        "NO",
        "off",
        "1.0",
        "???",
        "a: b",
        "# c",
        "'d'",
        '"e"',
        "-",
        "{f}",
        "[g]",
        "ü",
        "时间",
        "🙂",
        "a\u00a0b",
        "tab\there",
        " x ",
        "null",
        "*h",
        "&i",
        "!j",
        "%k",
        "@l",
        "m#n",
    ]
    tree = {
        "map": {word: Guess(word, "why # not\nhere", 60) for word in words},
        "list": words,
        Comment("? a comment"): None,
        "open": unknown("who knows"),
    }
    path = tmp_path / "x.yaml"
    path.write_text(plant_yaml.text_of(tree), encoding="utf-8")
    assert load(path, "x.yaml") == {"map": {word: word for word in words}, "list": words, "open": "???"}


# --- the command -------------------------------------------------------------------------------------------------------------------


def test_the_command_says_what_to_do_next(drafts: Drafts) -> None:
    path = drafts.put("zustand_20261119.csv", STATES)
    done = run("plant", "new", "p", "--from", path, "-p", drafts.root)
    assert done.returncode == 0, done.stderr
    for text in (
        "For you to write",
        "company",
        "timezone",
        "calendar",
        "Xanadu",
        "For you to check",
        "plantlake plant check p",
        "plantlake plant try p",
    ):
        assert text in done.stdout
    check = run("plant", "check", "p", "-p", drafts.root)
    assert check.returncode == 1
    assert [key for key in ("company", "timezone", "calendar", "Xanadu") if f"'{key}' is left open." not in check.stderr] == []


def test_nothing_is_written_over_without_force(drafts: Drafts) -> None:
    path = drafts.put("a.csv", COUNTS)
    target = drafts.root / "plants" / "p.yaml"
    target.write_text("mine")
    assert run("plant", "new", "p", "--from", path, "-p", drafts.root).returncode == 2
    assert target.read_text() == "mine"
    assert run("plant", "new", "p", "--from", path, "--force", "-p", drafts.root).returncode == 0
    assert target.read_text() != "mine"


def test_decisions_for_machines(drafts: Drafts) -> None:
    drafts.put("a.csv", COUNTS)
    broken = drafts.put("b.csv", b"")
    done = run("plant", "new", "p", "--from", drafts.landing, "--timezone", "America/Chicago", "--json", "-p", drafts.root)
    assert done.returncode == 1  # a file could not be read
    found = json.loads(done.stdout)
    assert found["sources"][0] == {
        "source": "a",
        "kind": "delimited",
        "path": "a.csv",
        "exports": 1,
        "looked_at": 1,
        "records": 3,
        "tables": ["production_count"],
    }
    assert [entry["file"] for entry in found["not_drafted"]] == [broken.name]
    (zone,) = [decision for decision in found["decisions"] if decision["where"] == "timezone"]
    assert (zone["value"], zone["open"], zone["line"]) == ("America/Chicago", False, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("p", "--from", "nowhere"), "There is no file or folder"),
        (("p p", "--from", "."), "is no id of a plant"),
        (("p", "--from", ".", "--timezone", "Berlin"), "is not a time zone"),
        (("p", "--from", ".", "--calendar", "x"), "is no calendar"),
    ],
)
def test_wrong_requests(drafts: Drafts, arguments: tuple[str, ...], message: str) -> None:
    done = run("plant", "new", *arguments, "-p", drafts.root)
    assert (done.returncode, message in done.stderr) == (2, True)
    assert not (drafts.root / "plants" / "p.yaml").exists()


def test_no_export_at_all(drafts: Drafts) -> None:
    drafts.put("README.md", "x")
    with pytest.raises(PlantlakeError, match="No export was found"):
        drafts.draft(KNOWN)
