"""Every preset has a sample, and gives the rows that stand beside it.

A preset is proven by a folder `presets/<system>.<name>/`: an export as the system writes it (of a database its `answer`, column by column),
and `expected.yaml` with what a plant adds (`differs`), how many records there are, what is left out, and the canonical rows worked out by hand. Here: that suite, which a new preset
inherits, and how a plant file's words lie over a preset. Elsewhere: the kinds (`test_connector_conformance.py`).
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from connectors.contract import ROW, Export, Place
from connectors.errors import ConformError
from connectors.models import PlantFile, Source
from connectors.portfolio import read, read_plant
from connectors.presets import names, preset
from connectors.registry import connector
from pipelines.cli import main
from transforms.conform import conform
from transforms.mapping import Reading
from transforms.samples import conform_samples

SAMPLES = Path(__file__).parent / "presets"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "presets.md"
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
    export = exported(folder, source, expected.get("answer"), tmp_path)
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


def exported(folder: Path, source: Source, answer: dict[str, list[Any]] | None, room: Path) -> Export:
    """The sample, found by the preset's own pattern; of a system, its answer."""
    if answer:
        path = room / "answer.parquet"
        pl.DataFrame(answer).write_parquet(path)
        return Export(str(path), path.name)
    exports = list(connector(source.kind).discover(Place(str(folder), source.path)))
    (export,) = [export for export in exports if not export.name.endswith("expected.yaml")]
    return export


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


def examples() -> list[str]:
    """The YAML of the page: a plant file, sources that differ, a preset of one's own."""
    return re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_a_plant_file_of_ten_lines(tmp_path: Path) -> None:
    plant = planted(tmp_path, examples()[0].replace("plant: wind-power", "plant: p"))
    assert {name: list(source.tables) for name, source in plant.sources.items()} == {
        "jobs": ["production_count"], "stops": ["equipment_state_event"], "orders": ["production_order"],
    }  # fmt: skip
    assert plant.sources["jobs"].kind == "json"


def test_what_differs_lies_over_the_preset(tmp_path: Path) -> None:
    """A word of a map is added, columns are renamed, one is taken away; the rest stays. The source is that of the page."""
    source = planted(tmp_path, f"plant: p\nname: P\ncompany: c\ntimezone: UTC\ncalendar: none\n{examples()[1]}").sources["movements"]
    columns = source.tables["goods_movement"].columns
    assert (source.path, source.options["decimal"]) == ("sap/mseg_*.txt", ",")
    assert "order" not in columns
    assert columns["qty"].from_ == ("Menge",)
    assert columns["value"].from_ == ("Betrag in HW",)
    assert [rule.negate.column for name in ("qty", "value") for rule in [columns[name]] if rule.negate] == ["S/H", "S/H"]
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
    own.write_text(examples()[2], encoding="utf-8")
    assert planted(tmp_path, plant_file("acme.stops", {})).sources["s"].kind == "delimited"
    assert preset("acme.stops", tmp_path).system == "Acme MES 4"


def test_a_preset_that_was_edited_is_read_again(tmp_path: Path) -> None:
    """A process that runs for days reads the portfolio often, and sees the edit."""
    own = tmp_path / "presets" / "acme" / "stops.yaml"
    own.parent.mkdir(parents=True)
    for hour, version in enumerate(("Acme MES 4", "Acme MES 5")):
        own.write_text(examples()[2].replace("Acme MES 4", version), encoding="utf-8")
        os.utime(own, (3600 * hour, 3600 * hour))
        assert preset("acme.stops", tmp_path).system == version


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


def test_a_column_that_the_extract_lacks_is_named_and_may_be_left_out(tmp_path: Path) -> None:
    """Nothing becomes empty silently: the plant file has to say that it is not there."""
    (tmp_path / "AFRU.txt").write_text("RUECK|RMZHL\n1|2\n")
    plant = planted(tmp_path, plant_file("sap.afru", {}))
    source = plant.sources["s"]
    reading = Reading(plant, "s", source, "production_count", source.tables["production_count"], "AFRU.txt", "b", "1", None, NOW, "v")
    frame = connector("delimited").read(tmp_path / "AFRU.txt", connector("delimited").Options())
    with pytest.raises(ConformError) as caught:
        conform(frame, reading)
    told = {problem.message: str(problem.fix) for problem in caught.value.problems}
    fix = told["Column 'RMNGA' is mapped in columns.rework_qty but is not in the file."]
    assert fix.startswith("plants/p.yaml → sources.s.tables.production_count.columns.rework_qty: ")
    assert fix.endswith("null leaves it out")


def test_the_command_line_lists_and_shows_them(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLANTLAKE_PORTFOLIO", raising=False)
    for words, said in ((["list", "goods_movement"], "sap.mseg"), (["show", "erpnext.workstation"], "preset: erpnext.workstation")):
        monkeypatch.setattr("sys.argv", ["plantlake", "preset", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        assert said in capsys.readouterr().out
