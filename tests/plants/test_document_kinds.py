"""Four sources in XML through a whole refresh: from the bytes of the samples to numbers that were worked out by hand."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipelines.lock import writer_lock
from pipelines.refresh import Refresh

SAMPLES = Path(__file__).resolve().parents[1] / "connectors" / "samples"
EXPORTS = {
    "agent/current.xml": "mtconnect/counts/current.xml",
    "idoc/orders.xml": "sap_idoc/operations/orders.xml",
    "b2mml/performance.xml": "b2mml/material_actuals/performance.xml",
    "mes/stops.xml": "xml/stated_columns/stops.xml",
}
PLANT = """\
plant: p
name: Works
company: acme
timezone: Europe/Berlin
shifts:
  F: {at: 06:00-14:00, days: Mon-Fri}
sources:
  agent:
    kind: mtconnect
    path: agent/*.xml
    timezone: UTC
    tables:
      equipment_state_event:
        records: states
        key: [data_item, timestamp]
        columns: {equipment: device, start_ts: timestamp, state_class: {from: execution, map: {ACTIVE: RUN, READY: IDLE, UNAVAILABLE: UNKNOWN}}}
      production_count:
        records: counts
        key: [data_item, timestamp]
        columns: {equipment: device, event_ts: timestamp, produced_qty: delta, count_source: {const: COUNTER}}
  erp:
    kind: sap_idoc
    path: idoc/*.xml
    options: {fields: {E1AFKOL: [MATNR, GMEIN]}}
    tables:
      production_order:
        records: E1AFKOL
        columns: {order: AUFNR, material: MATNR, planned_qty: {from: GAMNG, unit_from: GMEIN}}
  mes:
    kind: b2mml
    path: b2mml/*.xml
    tables:
      production_count:
        records: material_actuals
        key: [response_id, segment_response_id, number, value_number]
        skip:
          consumed: {column: material_use, not_in: [Produced, Material Produced]}
          packed: {column: key, in: [packed]}
        columns: {equipment: segment_equipment_id, event_ts: actual_end_time, order: request_id, good_qty: {from: quantity, unit: "{piece}"}}
  stops:
    kind: xml
    path: mes/*.xml
    options: {rows: Line/Stop, columns: {id: "@id", from: From, line: ../@code, reason: Reason/@code}}
    tables:
      equipment_state_event:
        columns: {equipment: line, event: id, start_ts: from, state_class: {const: DELAY_EQ}, source_reason_code: reason}
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Refresh:
    root = tmp_path_factory.mktemp("documents")
    (root / "plants").mkdir()
    (root / "portfolio.yaml").write_text("name: Documents\n", encoding="utf-8")
    (root / "plants/p.yaml").write_text(PLANT, encoding="utf-8")
    for name, sample in EXPORTS.items():
        target = root / "landing/p" / name
        target.parent.mkdir(parents=True)
        shutil.copyfile(SAMPLES / sample, target)
    done = Refresh(root)
    with writer_lock(done.lake):
        done.run(done.plan(), quality=False)
    done.close()
    assert done.outcome.problems == []
    return done


def table(job: Refresh, name: str) -> pl.DataFrame:
    return pl.read_delta(str(job.lake.root / "silver" / name))


def test_counts(job: Refresh) -> None:
    """The counter of the mill made 3, 9 (a shift began) and 2; the mixer reports 1250 of its order."""
    found = table(job, "production_count").sort("event_ts").select("event_ts", "produced_qty", "good_qty").rows()
    assert found == [
        (datetime(2026, 9, 21, 6, 32, tzinfo=UTC), Decimal(3), None),
        (datetime(2026, 9, 21, 6, 40, tzinfo=UTC), Decimal(9), None),
        (datetime(2026, 9, 21, 6, 50, tzinfo=UTC), Decimal(2), None),
        (datetime(2026, 9, 21, 11, 55, 0, 123456, tzinfo=UTC), None, Decimal(1250)),
    ]


def test_orders(job: Refresh) -> None:
    assert table(job, "production_order")["planned_qty"].to_list() in ([Decimal(1000), None], [None, Decimal(1000)])


def test_states(job: Refresh) -> None:
    """Three states of the mill, two stops of a line; the third stop has no start, and a home in the quarantine."""
    found = table(job, "equipment_state_event")
    assert sorted(found["state_class"]) == ["DELAY_EQ", "DELAY_EQ", "IDLE", "RUN", "UNKNOWN"]
    stops = found.filter(pl.col("state_class") == "DELAY_EQ").sort("start_ts").select("start_ts", "source_reason_code").rows()
    assert stops == [(datetime(2026, 9, 21, 4, tzinfo=UTC), "R1"), (datetime(2026, 9, 21, 5, tzinfo=UTC), "R2")]
    assert table(job, "quarantine").select("source_system", "row_number").rows() == [("stops", 3)]
