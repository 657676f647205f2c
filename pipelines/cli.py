"""The command line: `plantlake VERB`. Every verb explains itself with --help.

Here: arguments, tables in the terminal, exit codes. Elsewhere: what the verbs do (`pipelines.refresh`, `publish.reader`,
`connectors.portfolio`, `pipelines.doctor`). Verbs that run nothing never import Dagster, dbt or Great Expectations.

Exit codes: 0 done; 1 done, but a plant or an export needs somebody; 2 the request or the portfolio cannot be used; 3 another
refresh holds the lake; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import LockedError, PlantlakeError, Problem
from pipelines import (
    cli_alerts,
    cli_draft,
    cli_drift,
    cli_explain,
    cli_export,
    cli_kpi,
    cli_losses,
    cli_mcp,
    cli_packs,
    cli_preset,
    cli_publish,
    cli_quarantine,
    cli_rates,
    cli_reasons,
    cli_refresh,
    cli_release,
    cli_serve,
    cli_trial,
)
from pipelines.terminal import JsonOption, PortfolioOption, err, lake_at, out, root_of, say, table
from pipelines.terminal import as_json as print_json

if TYPE_CHECKING:
    pass


app = typer.Typer(
    help="A portfolio-wide industrial data lakehouse: every plant's exports in one place, meaning one thing.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
)  # fmt: skip
plant_app = typer.Typer(help="Plant files: draft them, check them, and try them on the exports before any refresh.", no_args_is_help=True)
app.add_typer(plant_app, name="plant")
app.add_typer(cli_preset.app, name="preset")
app.add_typer(cli_preset.connector_app, name="connector")
app.add_typer(cli_release.app, name="release")
app.add_typer(cli_packs.app, name="board-pack")
app.add_typer(cli_quarantine.app, name="quarantine")
app.add_typer(cli_drift.app, name="drift")
app.add_typer(cli_reasons.app, name="reasons")
app.add_typer(cli_alerts.app, name="alerts")


def main() -> None:
    """Runs the command line and turns every expected failure into one clear block and an exit code."""
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except typer.Abort:
        sys.exit(130)
    except LockedError as error:
        say(error.problems)
        sys.exit(3)
    except PlantlakeError as error:
        say(error.problems)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("Interrupted. The lake is as it was before; the next refresh finishes the work.")
        sys.exit(130)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            message = error.format_message() if hasattr(error, "format_message") else str(error)
            err.print(f"{message}  (plantlake --help)", highlight=False)
            sys.exit(2)
        raise


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the sample portfolio is written.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Another seed makes other machines.")] = 7,
) -> None:
    """Writes a sample portfolio of eight plants, refreshes it and prints its KPI table."""
    from examples.sample import write_portfolio

    if not (folder / "portfolio.yaml").exists():
        if folder.exists() and any(folder.iterdir()):
            raise PlantlakeError(Problem(f"{folder} is not empty and no portfolio.", fix="name another folder: plantlake demo DIR"))
        with err.status("Writing the sample portfolio ..."):
            write_portfolio(folder, seed=seed)
        err.print(f"Sample portfolio written to {folder}: eight plants, 45 days of exports in eight dialects.", highlight=False)
    code = cli_refresh.refresh(folder.resolve(), None, retry_lock_s=0, as_json=False)
    from connectors.portfolio import site_of
    from publish.reader import Snapshot

    with Snapshot(lake_at(folder.resolve()).snapshot) as reader:
        cli_kpi.show(reader, [], "plant,month", "ISO", None)
    served = f"http://{cli_serve.HOST}:{cli_serve.PORT}/  while this runs:  plantlake serve -p {folder}"
    err.print(f"\nDashboard: {served}     (its files: {site_of(folder.resolve())})", highlight=False, soft_wrap=True)
    err.print(
        f"Next:  plantlake kpi OEE --by company,week -p {folder}\n       plantlake status -p {folder}\n"
        f"       plantlake sql \"select * from kpi_value limit 5\" -p {folder}\n       plantlake dev -p {folder}     (Dagster's web UI)\n"
        f"       {folder}/plants/*.yaml      (a page of YAML a plant)",
        highlight=False,
    )  # fmt: skip
    raise typer.Exit(code)


@plant_app.command("check")
def plant_check(
    ids: Annotated[list[str] | None, typer.Argument(help="Plants; default: all.", show_default=False)] = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Checks plant files and vocabularies: all problems of all plants at once, each with file and line."""
    from connectors.portfolio import read

    root = root_of(portfolio)
    found = read(root, tuple(ids or ()))
    if as_json:
        print_json([{"where": p.where, "message": p.message, "found": p.found, "closest": p.closest, "fix": p.fix} for p in found.problems])
    else:
        say(found.problems)
        good = len(found.plants)
        err.print(f"{good} of {good + len(found.broken)} plant files are good; {len(found.problems)} problem(s).", highlight=False)
    raise typer.Exit(1 if found.problems else 0)


plant_app.command("new")(cli_draft.plant_new)
plant_app.command("try")(cli_trial.plant_try)


@plant_app.command("schema")
def plant_schema(
    portfolio_file: Annotated[bool, typer.Option("--portfolio-file", help="The schema of portfolio.yaml instead.")] = False,
) -> None:
    """Prints the JSON Schema of plant files, for editors that complete and check YAML."""
    from connectors.schema import plant_file_schema, portfolio_file_schema

    print_json(portfolio_file_schema() if portfolio_file else plant_file_schema())


@app.command()
def refresh(
    portfolio: PortfolioOption = None,
    plant: Annotated[list[str] | None, typer.Option("--plant", help="Only this plant (repeatable).", show_default=False)] = None,
    full: Annotated[bool, typer.Option("--full", help="Make every table anew from bronze.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Build that day and all later ones anew.", show_default=False)
    ] = None,
    reconform: Annotated[
        bool, typer.Option("--reconform", help="Show what changed maps and settings would move, and ask before it is applied.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --reconform: apply without asking.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another refresh to end.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """The main job: pulls what is new, conforms, checks, builds what changed and publishes it. A broken plant stops no other.

    A plant that a gate holds keeps its last good numbers; `plantlake status` says since when and why.
    """
    from pipelines.refresh import Request

    root = root_of(portfolio)
    if reconform:
        raise typer.Exit(cli_refresh.reconform(root, tuple(plant or ()), yes=yes, retry_lock_s=wait, as_json=as_json))
    request = Request(tuple(plant or ()), full, since.date() if since else None)
    raise typer.Exit(cli_refresh.refresh(root, request, retry_lock_s=wait, as_json=as_json))


app.command()(cli_kpi.kpi)
app.command()(cli_kpi.restated)
app.command()(cli_explain.explain)
app.command()(cli_losses.losses)
app.command()(cli_rates.rates)
app.command()(cli_publish.publish)
app.command()(cli_serve.serve)
app.command()(cli_export.export)
app.command()(cli_mcp.mcp)
app.command()(cli_packs.workbook)


@app.command()
def sql(
    query: Annotated[
        str, typer.Argument(help="A SELECT over kpi_value, mart_kpi_parts_shift, export_ledger, quarantine, plant_status, ...")
    ],
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
    most: Annotated[int, typer.Option(help="Rows shown in the terminal.")] = 50,
) -> None:
    """Read-only SQL (DuckDB) on the published snapshot."""
    from publish.reader import Snapshot

    with Snapshot(lake_at(root_of(portfolio)).snapshot) as reader:
        frame = reader.query(query)
    if as_json:
        print_json(frame.to_dicts())
        return
    table(frame.head(most))
    if len(frame) > most:
        err.print(f"{len(frame) - most} more rows; --most {len(frame)} shows them.", highlight=False)


@app.command()
def status(portfolio: PortfolioOption = None, as_json: JsonOption = False) -> None:
    """Per plant: how far its data goes, what was rejected, since when and why it is stale."""
    import polars as pl

    from pipelines.lock import holder
    from publish.reader import Snapshot

    lake = lake_at(root_of(portfolio))
    with Snapshot(lake.snapshot) as reader:
        frame = reader.query("SELECT * FROM plant_status ORDER BY status DESC, plant_id")
        release = reader.rows("SELECT release_id, released_at FROM release ORDER BY release_id DESC LIMIT 1")
    if as_json:
        print_json(frame.to_dicts())
    else:
        shown = ["plant_id", "status", "data_to", "exports", "failed_exports", "rejected", "stale_since", "owner"]
        table(frame.select(shown))
        for plant_id, reason in frame.filter(pl.col("stale_reason").is_not_null()).select("plant_id", "stale_reason").rows():
            out.print(f"{plant_id}: {reason}", highlight=False, soft_wrap=True)
        for number, moment in release:
            out.print(f"Release {number} of {moment:%Y-%m-%d %H:%M} UTC.", highlight=False)
        if waiting := cli_drift.waiting(lake):
            out.print(cli_drift.waits(waiting), highlight=False, soft_wrap=True)
        writer = holder(lake.ledger)
        if writer is not None and not writer.is_dead:
            out.print(f"A refresh is running: {writer}.", highlight=False)
    raise typer.Exit(1 if (frame["status"] == "STALE").any() else 0)


@app.command()
def doctor(
    rebuild_ledger: Annotated[
        bool, typer.Option("--rebuild-ledger", help="Write the export ledger anew from bronze, its journal and silver, then check.")
    ] = False,
    tests: Annotated[bool, typer.Option("--tests", help="Run every data test over all history too, as the nightly job does.")] = False,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Checks the installation, the portfolio, the lake and the ledger, and says what to do."""
    from pipelines.doctor import examine, rebuilt, tested

    findings = [rebuilt(portfolio)] if rebuild_ledger else []
    findings += examine(portfolio)
    findings += tested(portfolio) if tests else []
    if as_json:
        print_json([{"check": f.check, "good": f.good, "text": f.text, "fix": f.fix} for f in findings])
    for finding in [] if as_json else findings:
        mark = "ok  " if finding.good else "FIX "
        out.print(
            f"{mark} {finding.check}: {finding.text}" + (f"\n     {finding.fix}" if finding.fix else ""), highlight=False, soft_wrap=True
        )
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


@app.command()
def dev(portfolio: PortfolioOption = None, port: Annotated[int, typer.Option(help="Port of the web UI.")] = 3000) -> None:
    """Dagster's web UI over this portfolio's own instance: the runs of the command line are there too."""
    root = root_of(portfolio)
    lake = lake_at(root).create()
    workspace = Path(__file__).resolve().parent.parent / "workspace.yaml"
    environment = {**os.environ, "PLANTLAKE_PORTFOLIO": str(root), "DAGSTER_HOME": str(lake.dagster_home)}
    program = Path(sys.executable).with_name("dagster")
    os.execve(program, [str(program), "dev", "-w", str(workspace), "-p", str(port)], environment)


if __name__ == "__main__":
    main()
