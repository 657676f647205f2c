"""History of an OPC UA server through the whole of loading: samples with their quality, and what could not be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("asyncua", reason="extra opcua")

from opcua_plant import TICK, plant_at
from small_portfolio import SmallPortfolio, plant_file

from pipelines import silver
from pipelines.refresh import Refresh


def test_samples_of_two_windows(portfolio: SmallPortfolio, tmp_path: Path) -> None:
    yesterday = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with plant_at(tmp_path) as server:
        server.add("M1.Speed", yesterday + timedelta(hours=6), 1.5)
        server.add("M1.Speed", yesterday + timedelta(hours=7), 9.9, 0x808C0000)
        about = {
            "kind": "opcua_ha", "root": server.url, "path": "speeds", "timezone": "UTC",
            "options": {"nodes": ["ns=2;i=11", "ns=2;i=99"], "start": f"{yesterday:%Y-%m-%d}", "every": "0.01s"},
            "tables": {"historian_sample": {"columns": {"tag": "node_id", "ts": "timestamp", "value": "value", "quality": "quality"}}},
        }  # fmt: skip
        portfolio.plant("a", plant_file("a") | {"sources": {"ua": about}})
        assert portfolio.load().problems == []
        found = portfolio.silver("historian_sample").sort("ts").select("ts", "value_num", "quality").rows()
        at = yesterday + TICK
        assert found == [(at + timedelta(hours=6), 1.5, "GOOD"), (at + timedelta(hours=7), None, "BAD")]
        lost = silver.read(Refresh(portfolio.root).lake, "quarantine", ["a"]).collect()
        assert set(lost["rule"]) == {"UNREADABLE"}
        assert "ns=2;i=99 cannot be read" in lost["detail"][0]

        server.add("M1.Speed", datetime.now(UTC) - timedelta(minutes=1), 2.5)
        assert portfolio.load().problems == []
        assert portfolio.silver("historian_sample").sort("ts")["value_num"].to_list() == [1.5, None, 2.5]
