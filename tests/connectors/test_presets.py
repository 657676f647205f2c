"""Every preset has a sample, and gives the rows that stand beside it.

A preset is proven by a folder `presets/<system>.<name>/`: an export as the system writes it, and `expected.yaml` with what a plant adds
(`differs`), how many records there are, what is left out, and the canonical rows worked out by hand. Here: that suite, which a new preset
inherits, and how a plant file's words lie over a preset. Elsewhere: the kinds (`test_connector_conformance.py`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from connectors.contract import ROW, Place
from connectors.models import PlantFile
from connectors.portfolio import read, read_plant
from connectors.presets import names, preset
from connectors.registry import connector
from transforms.conform import conform
from transforms.mapping import Reading
from transforms.samples import conform_samples

SAMPLES = Path(__file__).parent / "presets"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def plant_file(name: str, differs: dict[str, Any]) -> str:
    about = {
        "plant": "p", "name": "P", "company": "c", "timezone": "Europe/Berlin", "calendar": "none",
        "sources": {"s": {"preset": name, **differs}},
    }  # fmt: skip
    return yaml.safe_dump(about, sort_keys=False, allow_unicode=True)


def planted(root: Path, text: str) -> PlantFile:
    """The plant file of a portfolio, which has no problem."""
    (root / "plants").mkdir(parents=True, exist_ok=True)
    (root / "portfolio.yaml").write_text("name: P\n")
    (root / "plants" / "p.yaml").write_text(text, encoding="utf-8")
    plant, problems = read_plant(root, "p")
    assert plant is not None, problems
    assert not problems, "\n".join(map(str, problems))
    return plant


def test_every_preset_has_a_sample() -> None:
    assert sorted(names()) == sorted(folder.name for folder in SAMPLES.iterdir())


@pytest.mark.parametrize("name", sorted(names()))
def test_the_sample_gives_the_rows_beside_it(name: str, tmp_path: Path) -> None:
    folder = SAMPLES / name
    expected = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    plant = planted(tmp_path, plant_file(name, expected.get("differs", {})))
    source = plant.sources["s"]
    exports = list(connector(source.kind).discover(Place(str(folder), source.path)))
    (export,) = [export for export in exports if not export.name.endswith("expected.yaml")]
    options = connector(source.kind).Options.model_validate(source.options)
    for table, rows in expected["tables"].items():
        mapped = source.tables[table]
        frame = connector(source.kind).read(Path(export.url), options, mapped.records or connector(source.kind).records[0])
        reading = Reading(plant, "s", source, table, mapped, export.name, "batch", "1", None, NOW, "v")
        found = told(frame, reading)
        shown = [
            {key: plain(row[key]) for key in (rows or [{}])[0]}
            for row in found.accepted.sort(ROW if ROW in found.accepted.columns else "_row_number", maintain_order=True).to_dicts()
        ]
        assert shown == rows, table
        assert found.filtered_by == expected.get("filtered", {}).get(table, {}), table
        rejected = [row["rule"] for row in found.rejected.to_dicts()]
        assert rejected == expected.get("rejected", {}).get(table, []), table
    assert set(expected["tables"]) == set(source.tables)


def told(frame: pl.LazyFrame, reading: Reading) -> Any:
    if reading.table_name != "historian_sample":
        return conform(frame, reading)
    found = conform_samples(frame.collect(), reading)
    ids = {id: tag for tag in found.tags["tag"] for id in [_id_of(tag)]}
    object.__setattr__(found, "accepted", found.accepted.with_columns(pl.col("tag_id").replace_strict(ids).alias("tag")))
    return found


def _id_of(tag: str) -> str:
    from transforms.keys import stable_id

    return str(pl.select(stable_id("p", "s", [pl.lit(tag)])).item())


def plain(value: Any) -> Any:
    """Instants as ISO texts in UTC, so that a person can write them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


# --- a plant's words over those of a preset ------------------------------------------------------------------------------------------


def test_a_plant_file_of_ten_lines(tmp_path: Path) -> None:
    text = """\
plant: p
name: Wind Power Works
company: windpower
timezone: Asia/Kolkata
calendar: none
sources:
  jobs: {preset: erpnext.job_card}
  stops: {preset: erpnext.downtime_entry}
  orders: {preset: erpnext.work_order}
"""
    plant = planted(tmp_path, text)
    assert {name: list(source.tables) for name, source in plant.sources.items()} == {
        "jobs": ["production_count"], "stops": ["equipment_state_event"], "orders": ["production_order"],
    }  # fmt: skip
    assert plant.sources["jobs"].kind == "json"


def test_what_differs_lies_over_the_preset(tmp_path: Path) -> None:
    """A word of a map is added, a column renamed, one taken away; the rest stays."""
    differs = {
        "path": "sap/*.txt",
        "headers": {"MENGE": "Menge", "SHKZG": "S/H"},
        "tables": {"goods_movement": {"columns": {"movement_class": {"map": {"901": "ADJUST"}}, "order": None, "value": "Betrag"}}},
    }
    source = planted(tmp_path, plant_file("sap.mseg", differs)).sources["s"]
    columns = source.tables["goods_movement"].columns
    assert source.path == "sap/*.txt"
    assert "order" not in columns
    assert columns["qty"].from_ == ("Menge",)
    assert columns["qty"].negate is not None
    assert columns["qty"].negate.column == columns["value"].negate.column == "S/H"  # type: ignore[union-attr]
    assert columns["value"].from_ == ("Betrag",)
    assert isinstance(columns["movement_class"].map, dict)
    assert (columns["movement_class"].map["101"], columns["movement_class"].map["901"]) == ("RECEIPT_PO", "ADJUST")


def test_another_origin_takes_the_place_of_the_presets(tmp_path: Path) -> None:
    differs = {"tables": {"production_count": {"columns": {"equipment": {"const": "LINE1"}}}}}
    column = planted(tmp_path, plant_file("sap.afru", differs)).sources["s"].tables["production_count"].columns["equipment"]
    assert (column.const, column.from_) == ("LINE1", None)


def test_a_portfolio_has_presets_of_its_own(tmp_path: Path) -> None:
    """Five plants of one company with one MES say it once."""
    own = tmp_path / "presets" / "acme" / "stops.yaml"
    own.parent.mkdir(parents=True)
    columns = "{equipment: Unit, start_ts: From, end_ts: To, state_class: {const: DELAY_EQ}}"
    source = f"source:\n  kind: delimited\n  path: '*.csv'\n  tables:\n    equipment_state_event:\n      columns: {columns}\n"
    own.write_text(f"about: Stops.\nsystem: Acme MES\nnotes: []\n{source}")
    assert planted(tmp_path, plant_file("acme.stops", {})).sources["s"].kind == "delimited"
    assert preset("acme.stops", tmp_path).system == "Acme MES"


def test_a_preset_that_is_not_there_is_told_with_the_closest(tmp_path: Path) -> None:
    (tmp_path / "plants").mkdir()
    (tmp_path / "portfolio.yaml").write_text("name: P\n")
    (tmp_path / "plants" / "p.yaml").write_text(plant_file("sap.afr", {}))
    (problem,) = read(tmp_path).problems
    assert (problem.message, problem.closest, problem.source) == ("There is no preset 'sap.afr'.", "sap.afru", "s")


def test_headers_without_a_preset_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "plants").mkdir()
    (tmp_path / "portfolio.yaml").write_text("name: P\n")
    columns = {"equipment": "Unit", "start_ts": "From", "state_class": {"const": "RUN"}}
    source = {"kind": "delimited", "path": "*.csv", "headers": {"A": "B"}, "tables": {"equipment_state_event": {"columns": columns}}}
    about = {"plant": "p", "name": "P", "company": "c", "timezone": "UTC", "calendar": "none", "sources": {"s": source}}
    (tmp_path / "plants" / "p.yaml").write_text(yaml.safe_dump(about))
    (problem,) = read(tmp_path).problems
    assert "this source names no preset" in problem.message
