"""The catalogue as data and as a page: `metrics.json` and the handbook say what the view computes, and name only what exists.

The expected values of examples are those of the golden cases, copied from the specification as fractions.
"""

from __future__ import annotations

from fractions import Fraction

import duckdb
import pytest

from connectors.vocabularies import COLUMNS
from dbt_project import metrics
from dbt_project.catalogue import KNOWLEDGE, catalogue, kpi_ids, published, read
from dbt_project.generate import generated
from transforms.tables import TABLES

ISO = {kpi.kpi_id: kpi for kpi in catalogue() if kpi.profile == "ISO"}

GOLDEN = {
    "OEE": "196/460", "A": "400/460", "E": "1/2", "Q": "13/16", "QC": "105/110", "AE": "5/6", "OOE": "9/20", "ALLOC_EFF": "1/2",
    "CO_TIME": "4200", "SCRAP": "1/100", "REWORK": "1/25", "MTBF": "160", "MTTR": "16/5", "MTBF_FE1": "100", "INH_AVAIL": "500/510",
    "OEE_CAP": "151/216", "UNPL_DOWN": "1", "COVERAGE": "15/16", "SCHED_ATT": "3/4", "OTIF": "1/2", "FPY": "19/20", "RTY": "1843/1980",
    "CP": "2", "CPK": "2", "PPK": "1.4142135623731", "INV_TURNS": "1387/178", "CONV_COST": "24/11",
    "LOSS_BREAKDOWN": "3600/27600", "LOSS_SPEED": "12000/27600", "LOSS_QUALITY": "240/27600",
}  # fmt: skip


def test_generated_files_are_current() -> None:
    assert [path.name for path, text in generated().items() if path.read_text(encoding="utf-8") != text] == []


def test_the_file_says_of_every_kpi_what_the_catalogue_says() -> None:
    assert published() == metrics.metrics()
    assert [kpi["id"] for kpi in published()["kpis"]] == kpi_ids()
    (oee,) = (kpi for kpi in published()["kpis"] if kpi["id"] == "OEE")
    assert oee["kpi_ml"] == {
        "ID": "OEE", "Name": "OEE index", "Formula": "A x E x Q = sum(PRI x GQ) / PBT", "UnitOfMeasure": "ratio",
        "Range": {"LowerLimit": 0, "UpperLimit": 1}, "Trend": "HIGHER",
    }  # fmt: skip
    assert [(of["profile"], of["numerator"], of["denominator"]) for of in oee["profiles"]] == [
        ("ISO", "sum(PRI x GQ)", "PBT"), ("TPM", "sum(PRI x GQ)", "PBT"), ("LOCAL", "sum(PRI x GQ) (local)", "PBT (local)"),
    ]  # fmt: skip


@pytest.mark.parametrize("kpi_id", [kpi_id for kpi_id, kpi in ISO.items() if "example" in kpi.about])
def test_an_example_is_its_golden_case(kpi_id: str) -> None:
    example = metrics.example(ISO[kpi_id])
    assert example is not None
    assert example["value"] == pytest.approx(float(Fraction(GOLDEN[kpi_id])), rel=1e-6)


def test_losses_of_the_example_add_up_to_what_oee_lacks() -> None:
    """GC01: 3,600 s of breakdown, 12,000 s of speed and 240 s of quality of 27,600 s; OEE is 196/460."""
    losses = [metrics.example(ISO[kpi_id]) for kpi_id in ("LOSS_BREAKDOWN", "LOSS_SPEED", "LOSS_QUALITY")]
    assert sum(loss["value"] for loss in losses if loss) == pytest.approx(1 - 196 / 460)


def test_what_has_to_be_mapped_exists() -> None:
    places = {place for kpi in ISO.values() for need in metrics.needs(kpi) for place in need["from"]}
    mapped = {place for place in places if "`" not in place}
    assert [place for place in mapped if place.split(".")[1] not in TABLES[place.split(".")[0]].inputs] == []
    words = {place.split("/")[1].removesuffix(".csv`") for place in places if "vocabularies/" in place}
    assert words <= set(COLUMNS)
    assert len(mapped) > 40


def test_every_column_and_word_of_the_parts_is_explained_once() -> None:
    columns = {column for parts in read()["parts"].values() for column in parts}
    assert set(read()["columns"]) == columns
    assert set(read()["knowledge"]) == set(KNOWLEDGE)
    untold = [
        column
        for parts in read()["parts"]
        if parts != "shift"
        for column in read()["parts"][parts]
        if "from" not in read()["columns"][column]
    ]
    assert untold == []
    assert {kpi.about["rollup_rule"] for kpi in ISO.values()} <= set(read()["rules"])


@pytest.mark.parametrize(
    ("kpi_id", "why", "flags"),
    [
        # no run time in it: it never says NO_STATES, nor that run time is a residual
        ("OEE", ["NO_CALENDAR", "NO_REJECT_COUNT", "NO_IDEAL_RATE", "NO_COUNTS", "NO_PLANNED_TIME", "RATE_PARTIAL"], {"COUNT_PARTIAL": True, "RESIDUAL_APT": False}),
        ("MTTR", ["NO_STATES", "NO_FAILURES", "NO_DATA"], {"RESIDUAL_APT": True, "COUNT_PARTIAL": False, "PRELIMINARY": True}),
        ("E", ["NO_STATES", "NO_IDEAL_RATE", "NO_COUNTS", "NO_RUN_TIME"], {"PERF_GT_1": True, "RATE_PARTIAL": True}),
        ("OTIF", ["NO_DELIVERIES"], {"PLANTS_PARTIAL": True, "PRELIMINARY": False}),
        ("CPK", ["NO_MEASUREMENTS", "SEVERAL_CHARACTERISTICS"], {"PLANTS_PARTIAL": True}),
    ],
)  # fmt: skip
def test_what_a_reader_may_see_beside_a_value(kpi_id: str, why: list[str], flags: dict[str, bool]) -> None:
    assert metrics.why_missing(ISO[kpi_id]) == why
    assert {flag: flag in metrics.flags(ISO[kpi_id]) for flag in flags} == flags


def test_readable_sides_are_the_arithmetic_of_the_view() -> None:
    """'TBF / 3600' over 7,200 s is 2 h, as DuckDB says of the view's own expression."""
    with duckdb.connect() as con:
        found = con.execute("SELECT tbf_s / 3600 FROM (SELECT 7200 AS tbf_s)").fetchone()
    assert found == (metrics.side_value("tbf_s / 3600", {"tbf_s": 7200}),) == (2.0,)
    assert metrics.readable("tbf_s / 3600") == "TBF / 3600"
