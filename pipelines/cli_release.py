"""`plantlake release ...`: what was published when and why, back to an older release, closing a month.

Here: the verbs. Elsewhere: the releases themselves (`pipelines.release`), questions to the snapshot (`publish.reader`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.errors import ConfigError, Problem
from pipelines.terminal import JsonOption, PortfolioOption, as_json, counted, err, lake_at, out, root_of, table

if TYPE_CHECKING:
    from pipelines.refresh import Refresh

app = typer.Typer(
    help="Releases: what was published when and why, back to an older one, closing a month.", no_args_is_help=True, rich_markup_mode=None
)
PlantOption = Annotated[list[str] | None, typer.Option("--plant", help="Only this plant (repeatable).", show_default=False)]


@app.command("list")
def list_releases(
    last: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    portfolio: PortfolioOption = None,
    json: JsonOption = False,
) -> None:
    """Every release, newest first: when, why, how many unit-days were built and how many parts changed."""
    from publish.reader import Snapshot

    with Snapshot(lake_at(root_of(portfolio)).snapshot) as reader:
        frame = reader.query(
            """SELECT r.release_id, r.released_at, r.kind, c.causes, c.plants, r.exports, r.unit_days, r.parts_changed, r.parts_closed
            FROM release AS r LEFT JOIN (
                SELECT release_id, string_agg(DISTINCT cause, ', ' ORDER BY cause) AS causes, count(DISTINCT plant_id) AS plants
                FROM release_cause GROUP BY release_id) AS c USING (release_id)
            ORDER BY r.release_id DESC LIMIT ?""",
            [last],
        )
    as_json(frame.to_dicts()) if json else table(frame)


@app.command()
def show(
    release: Annotated[int | None, typer.Argument(help="The release; default: the newest.", show_default=False)] = None,
    portfolio: PortfolioOption = None,
    json: JsonOption = False,
) -> None:
    """One release: its causes by plant, the exports that came with it, and the shifts that it restated."""
    from publish.reader import Snapshot

    with Snapshot(lake_at(root_of(portfolio)).snapshot) as reader:
        known = [row[0] for row in reader.rows("SELECT release_id FROM release ORDER BY 1")]
        wanted = release if release is not None else (known[-1] if known else 0)
        if wanted not in known:
            raise ConfigError(Problem(f"There is no release {wanted}.", found=f"releases 1 to {known[-1]}" if known else "none yet",
                                      fix="plantlake release list"))  # fmt: skip
        about = reader.query("SELECT * FROM release WHERE release_id = ?", [wanted]).to_dicts()[0]
        causes = reader.query("SELECT * EXCLUDE (release_id) FROM release_cause WHERE release_id = ? ORDER BY plant_id, cause", [wanted])
        restated = reader.query(
            """SELECT plant_id, count(DISTINCT (equipment_id, shift_instance_id)) AS shifts_restated, min(production_day) AS first_day,
                max(production_day) AS last_day
            FROM mart_kpi_parts_shift WHERE valid_to_release = ? GROUP BY plant_id ORDER BY plant_id""",
            [wanted],
        )
    if json:
        as_json({**about, "causes": causes.to_dicts(), "restated": restated.to_dicts()})
        return
    note = f" ({about['note']})" if about["note"] else ""
    out.print(f"Release {wanted} of {about['released_at']:%Y-%m-%d %H:%M} UTC, refresh {about['refresh_id']}{note}", highlight=False)
    out.print(
        f"{counted(about['unit_days'] or 0, 'unit-day')} built; {counted(about['parts_changed'] or 0, 'part')} new or changed, "
        f"{about['parts_closed'] or 0:,} closed. Calculation {about['calc_version']}.",
        highlight=False,
    )
    table(causes)
    if len(restated):
        table(restated, "Restated")


@app.command()
def rollback(
    release: Annotated[int, typer.Argument(help="The release whose numbers shall hold again.")],
    plant: PlantOption = None,
    portfolio: PortfolioOption = None,
) -> None:
    """Publishes the numbers of an older release again, as a new release; nothing is lost.

    The plants are held until `plantlake release resume`: the next refresh would publish again what was taken back.
    """
    from pipelines import release as releases
    from pipelines import state

    with _writer(portfolio) as job:
        with state.connection(job.lake) as con:
            state.create(con)
            moved = releases.rollback(con, release, job.at, job.outcome.refresh_id, plant or ())
            held = dict(con.execute("SELECT plant_id, coalesce(limits_version, '') FROM gold.plant_gate").fetchall())
        state.mark(job.lake, replace(state.marker(job.lake), held=held))
        job.publish()
    built, back = counted(moved.unit_days, "unit-day"), counted(moved.changed, "part")
    err.print(
        f"Release {moved.release_id} holds the numbers of release {release}: {built}, {back} back, "
        f"{moved.closed:,} taken back. Held until `plantlake release resume`: {', '.join(held) or 'no plant'}.",
        highlight=False,
    )  # fmt: skip


@app.command()
def resume(plant: PlantOption = None, portfolio: PortfolioOption = None) -> None:
    """Lets plants that were taken back be refreshed again: the next refresh builds what was taken back from silver as it is then."""
    from pipelines import release as releases
    from pipelines import state

    with _writer(portfolio) as job:
        with state.connection(job.lake) as con:
            state.create(con)
            names = releases.resume(con, plant or ())
        if names:
            state.mark(job.lake, replace(state.marker(job.lake), unfinished=True))
    err.print(f"{', '.join(names)}: run `plantlake refresh`." if names else "No plant was taken back.", highlight=False)


@app.command()
def close(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="The month, as 2026-01.")],
    portfolio: PortfolioOption = None,
) -> None:
    """Closes a month: its KPI values as they are published now are kept in `kpi_release` and never changed.

    Later changes of the month are restatements: they show in `kpi_value`, and the difference to what was closed can be asked for.
    """
    from pipelines import alerts, state
    from pipelines import release as releases
    from pipelines.cli_alerts import told_of
    from publish.reader import Snapshot

    with _writer(portfolio) as job:
        with Snapshot(job.lake.snapshot) as reader:
            values = reader.query("SELECT * FROM kpi_value WHERE period_type = 'MONTH' AND period_start = ?", [month.date()])
            status = reader.query("SELECT * FROM plant_status")
        if values.is_empty():
            raise ConfigError(Problem(f"There are no values of {month:%Y-%m}.", fix='plantlake kpi --by plant,month'))  # fmt: skip
        with state.connection(job.lake) as con:
            kept = releases.close_month(con, month.date(), values.to_arrow(), job.at, status.to_arrow())
        job.publish()
    err.print(f"{month:%Y-%m} is closed: {kept:,} values are kept in kpi_release.", highlight=False)
    told_of(alerts.tell(job.lake, job.portfolio, lambda: alerts.Ran(began=job.at)))


@contextmanager
def _writer(portfolio: Path | None) -> Iterator[Refresh]:
    """A refresh that is not run: the lake's lock and what publishing needs."""
    from pipelines.lock import writer_lock
    from pipelines.logs import to_file
    from pipelines.refresh import Refresh

    job: Any = Refresh(root_of(portfolio))
    with closing(job), writer_lock(job.lake) as lock, to_file(job.lake, job.outcome.refresh_id):
        job.checked = lock.check
        yield job
