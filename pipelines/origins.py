"""From a record of silver to the line of the export that it came from.

Here: the version that holds and those before it, the export with hash and times, the mapping, the original line out of bronze. Elsewhere:
which records a value is made of (`publish.explain`), how a format gives back a line (`connectors.contract.Connector.originals`).

Silver is read as it was when the parts were made of it (`built_version`), so that a refresh that runs meanwhile, or a plant that is held,
changes nothing in the answer. Nothing is written: the original bytes are unpacked into a folder of the reader's own.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from connectors.contract import Original, as_read
from connectors.errors import PlantlakeError, Problem, ReadError
from connectors.models import PlantFile
from connectors.portfolio import Portfolio, read
from connectors.registry import connector
from pipelines import bronze, silver
from pipelines.lake import Lake
from pipelines.plan import mapping_version
from publish.reader import Snapshot
from transforms.mapping import secret_columns
from transforms.statements import PLANT_FILE
from transforms.tables import LINEAGE, TABLES

Record = dict[str, Any]
LINKS = ("reverses_count_id", "corrects_count_id")
STEPS = 4
"""A correction of a correction: so many steps are followed up and down, as the build follows them."""
NOT_SAID = {*LINEAGE, "month"}


@dataclass
class Origins:
    """Answers for one plant; keeps what it has read."""

    lake: Lake
    reader: Snapshot
    portfolio_root: Path
    plant_id: str
    _tables: dict[str, silver.Snapshot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            self.portfolio: Portfolio | None = read(self.portfolio_root, (self.plant_id,))
        except PlantlakeError:  # its plant file is gone: what the lake knows is told all the same
            self.portfolio = None
        self.plant: PlantFile | None = self.portfolio.plants.get(self.plant_id) if self.portfolio else None
        rows = self.reader.rows("SELECT table_name, version FROM built_version WHERE plant_id = ?", [self.plant_id])
        self.versions = {table: None if version < 0 else version for table, version in rows}

    def of(self, table: str, ids: Collection[str], months: Sequence[str] = ()) -> dict[str, Record]:
        """Each record as the parts were made of it, by its id. `months` is where to look first; of counts also what corrects them."""
        rows = self._rows(table, set(ids), months)
        if table == "production_count":
            rows = self._with_chain(rows, months)
        id = str(TABLES[table].id)
        found: dict[str, Record] = {}
        for (record_id,), versions in rows.group_by([id], maintain_order=True):
            ordered = versions.sort("revision")
            holds = ordered.filter("is_current").to_dicts() or ordered.tail(1).to_dicts()
            earlier = [row for row in ordered.to_dicts() if row["revision"] != holds[0]["revision"]]
            found[str(record_id)] = self._record(table, id, holds[0], earlier)
        self._add_exports(table, found.values())
        self._add_originals(table, found.values())
        return found

    # --- silver -------------------------------------------------------------------------------------------------------------------

    def _rows(self, table: str, ids: set[str], months: Sequence[str], by: Sequence[str] = ()) -> pl.DataFrame:
        """Every version of the records with these ids (or that name them in a column of `by`): in those months, then in all others."""
        snapshot = self._opened(table)
        columns = by or (str(TABLES[table].id),)
        wanted = pl.any_horizontal(pl.col(name).is_in(list(ids)) for name in columns)
        if "month" not in silver.columns(table):
            return snapshot.read([self.plant_id]).filter(wanted).collect()
        known = snapshot.months(self.plant_id)
        near = sorted(known & {month for own in months for month in (_moved(own, -1), own, _moved(own, 1))})
        found = snapshot.read([self.plant_id], near).filter(wanted).collect()
        if by or not ids - set(found[columns[0]].to_list()):
            return found
        others = snapshot.read([self.plant_id], sorted(known - set(near))).filter(wanted).collect()
        return pl.concat([found, others])

    def _opened(self, table: str) -> silver.Snapshot:
        if table not in self._tables:
            from deltalake.exceptions import DeltaError

            try:
                self._tables[table] = silver.Snapshot(self.lake, table, self.versions.get(table))
            except (DeltaError, FileNotFoundError):  # that version is no longer kept
                self._tables[table] = silver.Snapshot(self.lake, table)
        return self._tables[table]

    def _with_chain(self, rows: pl.DataFrame, months: Sequence[str]) -> pl.DataFrame:
        """With the documents that these correct or reverse, and those that correct or reverse them."""
        for _ in range(STEPS):
            known = set(rows["count_id"])
            above = {parent for name in LINKS for parent in rows[name].drop_nulls()} - known
            below = self._rows("production_count", known, months, LINKS)
            more = [below.filter(~pl.col("count_id").is_in(list(known)))]
            more += [self._rows("production_count", above, months)] if above else []
            fresh = pl.concat(more).unique(["count_id", "revision"], maintain_order=True)
            if fresh.is_empty():
                break
            rows = pl.concat([rows, fresh])
        return rows

    def _record(self, table: str, id: str, row: Record, earlier: Iterable[Record]) -> Record:
        says = {name: value for name, value in row.items() if name not in NOT_SAID and name != id and value is not None}
        links = [row[name] for name in LINKS if row.get(name)]
        return {
            "table": table, "record_id": row[id], "revision": row["revision"], "is_deleted": row["is_deleted"], "flags": row["dq_flags"],
            "says": says, "source_system": row["_source_system"], "file": row["_source_object"], "row_number": row["_row_number"],
            "row_hash": row["_row_hash"], "batch_id": row["_batch_id"], "corrects": links,
            "mapping": self._mapping(row["_source_system"], table, row["_transform_version"]),
            "earlier": [
                {"revision": was["revision"], "file": was["_source_object"], "row_number": was["_row_number"],
                 "row_hash": was["_row_hash"], "batch_id": was["_batch_id"]}
                for was in earlier
            ],
        }  # fmt: skip

    def _mapping(self, source_id: str, table: str, version: str) -> Record:
        """The version of the mapping that made the row, where it stands, and whether the plant file still says the same."""
        if version in ("", PLANT_FILE):
            return {"version": None, "where": None, "is_current": None}
        where, is_current = f"plants/{self.plant_id}.yaml → sources.{source_id}.tables.{table}", None
        if self.plant is not None and self.portfolio is not None:
            source = self.plant.sources.get(source_id)
            mapped = source is not None and table in source.tables
            is_current = mapped and mapping_version(self.portfolio, self.plant, source_id, table) == version
        return {"version": version, "where": where, "is_current": is_current}

    # --- exports and their lines -----------------------------------------------------------------------------------------------------

    def _add_exports(self, table: str, records: Iterable[Record]) -> None:
        records = list(records)
        batches = sorted({record["batch_id"] for record in records})
        known = self.reader.query(
            """SELECT batch_id, name, sha256, size, exported_at, first_seen_at, landed_at, connector_version FROM export_ledger
            WHERE plant_id = ? AND table_name = ? AND list_contains(?, batch_id) ORDER BY name""",
            [self.plant_id, table, batches],
        ).to_dicts()
        by_batch: dict[str, list[Record]] = defaultdict(list)
        for export in known:
            by_batch[export.pop("batch_id")].append(export)
        for record in records:
            own = by_batch.get(record["batch_id"], [])
            record["export"] = next((export for export in own if export["name"] == record["file"]), own[0] if own else None)

    def _add_originals(self, table: str, records: Iterable[Record]) -> None:
        """The line of each record; each export is unpacked once."""
        by_export: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
        for record in records:
            export = record["export"]
            if record["batch_id"] == PLANT_FILE or record["source_system"] == PLANT_FILE:
                where = "vocabularies/ideal_rates.csv" if table == "ideal_rate" else f"plants/{self.plant_id}.yaml"
                record["original"] = _untold(f"{where} states it, no export does")
            elif not record["row_number"]:
                record["original"] = _untold("the export deletes it: no line of it holds the record any more")
            elif export is None or not export["sha256"]:
                record["original"] = _untold("the export ledger does not know its export")
            else:
                by_export[record["source_system"], export["sha256"], export["name"]].append(record)
        for (source_id, sha256, name), own in by_export.items():
            try:
                lines = self._lines(source_id, table, sha256, name, {record["row_number"] for record in own})
            except PlantlakeError as error:
                for record in own:
                    record["original"] = _untold(error.problems[0].message)
                continue
            for record in own:
                line = lines.get(record["row_number"])
                record["original"] = (
                    {"place": line.place, "text": line.text, "is_verbatim": line.is_verbatim}
                    if line
                    else _untold("the export does not have this record when it is read by today's options")
                )

    def _lines(self, source_id: str, table: str, sha256: str, name: str, rows: set[int]) -> dict[int, Original]:
        if self.plant is None or self.portfolio is None or source_id not in self.plant.sources:
            raise ReadError(Problem(f"plants/{self.plant_id}.yaml no longer says how {source_id} is read"))
        return lines_of(self.lake, self.portfolio, self.plant, source_id, table, sha256, name, rows)


def lines_of(
    lake: Lake, portfolio: Portfolio, plant: PlantFile, source_id: str, table: str, sha256: str, name: str, rows: Collection[int]
) -> dict[int, Original]:
    """Records of an export in bronze by their number, as they stand in it, without the names of persons. Raises ReadError."""
    source = plant.sources[source_id]
    kind = connector(source.kind)
    mapped = source.tables.get(table)
    records = (mapped.records if mapped else None) or kind.records[0]
    options, _ = bronze.options_of(portfolio, plant, source_id, name)
    with tempfile.TemporaryDirectory() as folder, bronze.original(lake, sha256, name, Path(folder)) as path:
        found = dict(kind.originals(path, options, records, rows))
        hidden = set(secret_columns(source))
        return _veiled(found, kind.read(path, options, records), hidden) if hidden else found


def _veiled(lines: dict[int, Original], records: pl.LazyFrame, hidden: set[str]) -> dict[int, Original]:
    """Names of persons stay in bronze: of their sources the record is told as it was read, without them."""
    shown = as_read(records, lines, "record")
    return {
        row: Original(
            line.place,
            json.dumps({k: "(hidden)" if k in hidden else v for k, v in json.loads(shown[row].text).items()}, ensure_ascii=False),
            False,
        )
        for row, line in lines.items()
    }


def _untold(why: str) -> Record:
    return {"place": None, "text": None, "is_verbatim": False, "why": why}


def _moved(month: str, by: int) -> str:
    """A month, some months later.

    >>> _moved("2026-12", 1), _moved("2026-01", -1)
    ('2027-01', '2025-12')
    """
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{number // 12}-{number % 12 + 1:02d}"


def follow(origins: Origins, answer: dict[str, Any], months: Sequence[str]) -> None:
    """Puts beside each listed segment, count and record the silver record that it came from, and the ideal rates that counts used."""
    for rows, table, key in (("segments", "equipment_state_event", "event_id"), ("counts", "production_count", "count_id")):
        if answer[rows] is not None:
            ids = {row[key] for row in answer[rows]["rows"] if row[key] is not None}
            found = origins.of(table, ids, months) if ids else {}
            for row in answer[rows]["rows"]:
                row["record"] = found.get(row[key])
            if rows == "counts":
                _add_chain(answer[rows]["rows"], found)
    for table in sorted({row["table_name"] for row in (answer["records"] or {"rows": []})["rows"]}):
        own = [row for row in answer["records"]["rows"] if row["table_name"] == table]
        found = origins.of(table, {row["record_id"] for row in own}, months)
        for row in own:
            row["record"] = found.get(row["record_id"])
    rates = sorted({row["ideal_rate_id"] for row in (answer["counts"] or {"rows": []})["rows"] if row["ideal_rate_id"]})
    answer["ideal_rates"] = list(origins.of("ideal_rate", rates).values()) if rates else []


def _add_chain(rows: list[Record], found: dict[str, Record]) -> None:
    """What corrects or reverses a count, and what it corrects or reverses, oldest first."""
    links: dict[str, set[str]] = defaultdict(set)
    for record_id, record in found.items():
        for other in record["corrects"]:
            links[record_id].add(other)
            links[other].add(record_id)
    for row in rows:
        reached, waiting = set[str](), [row["count_id"]]
        while waiting:
            one = waiting.pop()
            if one not in reached:
                reached.add(one)
                waiting += links[one]
        chain = [found[one] for one in reached - {row["count_id"]} if one in found]
        row["chain"] = sorted(chain, key=lambda record: (str(record["says"].get("event_ts")), record["record_id"]))
