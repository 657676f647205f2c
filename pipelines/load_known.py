"""What is known of a plant's deliveries while they are loaded: what the ledger says of them, and what this refresh learns.

Here: which deliveries wait and which are loaded, their names, what their data told. Elsewhere: what one delivery is
(`pipelines.load_deliveries`), where it is kept (`pipelines.ledger`), loading it (`pipelines.load`).

A plant delivers for years. A refresh asks for the exports that wait and, in one row a source, for what the others told together.
Only a table that is made anew, or an export that comes before one that is loaded, needs every row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from connectors.errors import PlantlakeError
from connectors.models import PlantFile
from connectors.naming import stated
from connectors.windows import read_name
from pipelines import load_deliveries
from pipelines.ledger import ExportLedger, ExportRow, Past, TableRow
from pipelines.load_deliveries import Key, Span, order_of
from pipelines.plan import PlantPlan
from transforms import revisions


def known(plant: PlantFile, ledger: ExportLedger, todo: PlantPlan) -> Known:
    """What the ledger knows of a plant's deliveries, as far as the plan asks for it."""
    found = Known(plant, ledger, waived=ledger.waived(plant.plant))
    told = ledger.mapping_versions(plant.plant)
    loaded = {source_id for source_id, _ in told}
    mapped = {(source_id, table) for source_id, source in plant.sources.items() if source_id in loaded for table in source.tables}
    if todo.rederive or not mapped <= told.keys():
        found.open_whole({source_id for source_id, _ in todo.rederive})
    else:
        found.open_waiting()
    return found


@dataclass
class Known:
    """A plant's deliveries."""

    plant: PlantFile
    ledger: ExportLedger
    rows: list[ExportRow] = field(default_factory=list)
    """The exports in bronze that wait, and copies of them; all of them where `past` is empty. With the times that names state."""
    past: dict[str, Past] = field(default_factory=dict)
    """By source: what the exports told that are loaded and not in `rows`."""
    done: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By (source, table): the batches that are loaded."""
    failed: set[tuple[str, str, str]] = field(default_factory=set)
    """(source, table, batch) that could not be loaded when it was last tried."""
    waived: set[tuple[str, str, str]] = field(default_factory=set)
    """Those of them that were delivered anew since, or are no longer delivered: not tried again as they are."""
    spans: dict[Key, dict[str, Span]] = field(default_factory=lambda: defaultdict(dict))
    """By delivery and table: the first and last instant of the data that are loaded."""
    told: dict[Key, ExportRow] = field(default_factory=dict)
    """The deliveries of this refresh, with what their data told."""
    renamed: list[ExportRow] = field(default_factory=list)
    """Exports whose names say something else by today's plant file than the ledger holds."""

    # --- from the ledger --------------------------------------------------------------------------------------------------------

    def open_waiting(self) -> None:
        """What waits row by row, the rest together."""
        plant_id = self.plant.plant
        self.past = {source_id: self._asked(source_id, past) for source_id, past in self.ledger.past(plant_id).items()}
        self._open(self.ledger.waiting(plant_id), self.ledger.waiting_tables(plant_id))

    def complete(self) -> None:
        """Sees to it that every row is known."""
        if self.past:
            self.open_whole()

    def open_whole(self, renamed: Collection[str] = ()) -> None:
        """Every export of the plant."""
        self.past = {}
        self._open(self.ledger.exports(self.plant.plant), self.ledger.tables(self.plant.plant), renamed)

    def _open(self, rows: Sequence[ExportRow], accounts: Iterable[TableRow], renamed: Collection[str] = ()) -> None:
        """A name is read again where the plant file now says otherwise how names read (`renamed`: sources), or its export waits."""
        done: dict[tuple[str, str], set[str]] = defaultdict(set)
        for account in accounts:
            key = (account.source_system, account.batch_id)
            if account.state == "FAILED":
                self.failed.add((account.source_system, account.table_name, account.batch_id))
                continue
            done[account.source_system, account.table_name].add(account.batch_id)
            if key not in self.told:
                self.spans[key][account.table_name] = (account.data_from, account.data_to)
        loaded = {(source_id, batch) for (source_id, _), batches in done.items() for batch in batches}
        settled = [row.source_system not in renamed and (row.source_system, row.batch_id) in loaded for row in rows]
        today = [self._stated_before(row) if is_settled else self._stated_today(row) for row, is_settled in zip(rows, settled, strict=True)]
        self.done, self.rows = done, load_deliveries.identified(self.plant, today, loaded)
        self.renamed = [
            new
            for new, row, is_settled in zip(self.rows, rows, settled, strict=True)
            if new.batch_id != row.batch_id or (new != row and not is_settled)
        ]

    def _stated_today(self, row: ExportRow) -> ExportRow:
        """The export with the times that its name states by today's plant file; a name that no longer fits keeps its old ones."""
        source = self.plant.sources.get(row.source_system)
        try:
            times = stated(self.plant, source, row.name) if source else row
        except PlantlakeError:
            return row
        return replace(row, exported_at=times.exported_at, covers_from=times.covers_from, covers_to=times.covers_to)

    def _stated_before(self, row: ExportRow) -> ExportRow:
        """The export with the times that its name stated when it was loaded, as far as the plant file still asks names for them."""
        asks_window, asks_time = self._asks(row.source_system, row.name)
        if not asks_window and (row.covers_from or row.covers_to):
            row = replace(row, covers_from=None, covers_to=None)
        return replace(row, exported_at=None) if not asks_time and row.exported_at else row

    def _asked(self, source_id: str, past: Past) -> Past:
        """What a source told, likewise."""
        asks_window, asks_time = self._asks(source_id, past.order.split("|")[1])
        return past._replace(covers_to=past.covers_to if asks_window else None, exported_at=past.exported_at if asks_time else None)

    def _asks(self, source_id: str, name: str) -> tuple[bool, bool]:
        """Whether names of a source, such as this, are asked for a window, and for when they were taken."""
        source = self.plant.sources.get(source_id)
        if source is None or read_name(name):
            return True, True
        return source.covers is not None, source.exported_at is not None

    # --- what there is to load --------------------------------------------------------------------------------------------------

    def landed(self, source_id: str, table: str, rederive: bool = False) -> tuple[list[ExportRow], list[ExportRow]]:
        """The deliveries that a table waits for (all of them when it is made anew), and those that it has."""
        landed = load_deliveries.once(row for row in self.rows if row.source_system == source_id and row.state != "FAILED")
        done = self.done.get((source_id, table), set())
        waiting = [
            row for row in landed
            if rederive or (row.batch_id not in done and (source_id, table, str(row.batch_id)) not in self.waived)
        ]  # fmt: skip
        return waiting, [row for row in landed if row.batch_id in done]

    def in_order(self, source_id: str, table: str, orders: Sequence[str]) -> bool:
        """Whether exports with these places come after everything that the table has. Where they do not, every row is known afterwards."""
        past = [self.past[source_id].order] if source_id in self.past else []
        if revisions.in_order([*past, *self._orders(source_id, table)], orders):
            return True
        if not self.past:
            return False
        self.complete()
        return revisions.in_order(self._orders(source_id, table), orders)

    def _orders(self, source_id: str, table: str) -> list[str]:
        _, standing = self.landed(source_id, table)
        return [order_of(row, self.spans[source_id, str(row.batch_id)].get(table, (None, None))[1]) for row in standing]

    # --- what this refresh learns ------------------------------------------------------------------------------------------------

    def tell(self, export: ExportRow, table: str, span: Span | None) -> ExportRow:
        """Notes the span of an export's data in one table, None where nothing of it is loaded; gives the export with all it told."""
        key = (export.source_system, str(export.batch_id))
        if span is not None:
            self.spans[key][table] = span
        elif self.spans[key].pop(table, None) is None:
            return export
        self.told[key] = load_deliveries.spanned(export, self.spans[key])
        return self.told[key]

    def names(self) -> list[ExportRow]:
        """Every name of this refresh's deliveries, with what their data told."""
        found = [(row, self.told.get((row.source_system, str(row.batch_id)))) for row in self.rows]
        return [
            replace(row, data_from=told.data_from, data_to=told.data_to, export_order=told.export_order)
            for row, told in found
            if told is not None
        ]
