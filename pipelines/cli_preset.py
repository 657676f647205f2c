"""`plantlake preset` and `plantlake connector`: which systems and formats are known, and the beginning of another.

Here: their verbs. Elsewhere: what a preset is (`connectors.presets`), the presets (`connectors/systems`), the kinds
(`connectors.registry`), what a beginning holds (`connectors.scaffold`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal import JsonOption, PortfolioOption, out, table
from pipelines.terminal import as_json as print_json

app = typer.Typer(help="Presets: systems whose exports plantlake knows, as data that a plant file names.", no_args_is_help=True)


@app.command("list")
def preset_list(
    word: Annotated[str | None, typer.Argument(help="Only presets with this in their name, system or tables.", show_default=False)] = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the presets, those of the portfolio among them."""
    from connectors.presets import overview, tables_of

    rows = [
        {"preset": found.name, "system": found.system, "kind": str(found.source.get("kind")), "tables": ", ".join(tables_of(found))}
        for found in overview(_root(portfolio))
    ]
    wanted = [row for row in rows if not word or word.lower() in " ".join(row.values()).lower()]
    if as_json:
        print_json(wanted)
        return
    import polars as pl

    table(pl.DataFrame(wanted, schema=["preset", "system", "kind", "tables"], orient="row"))
    out.print("\nWhat one says: plantlake preset show NAME", highlight=False)


@app.command("show")
def preset_show(
    name: Annotated[str, typer.Argument(help="A preset, such as sap.afru.")],
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows a preset as it stands, and how a plant file names it."""
    from connectors.presets import names, preset

    root = _root(portfolio)
    found = preset(name, root)
    if as_json:
        print_json({"preset": name, "about": found.about, "system": found.system, "notes": found.notes, "source": found.source})
        return
    named = f'sources:\n  {name.rpartition(".")[2]}:\n    preset: {name}\n    path: "{found.source.get("path")}"'
    text = f"{names(root)[name].read_text(encoding='utf-8')}\nIn a plant file, with what differs below it:\n\n{named}"
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def _root(portfolio: Path | None) -> Path | None:
    """The portfolio whose own presets count too; None where there is none and none was asked for."""
    from connectors.errors import ConfigError
    from connectors.portfolio import find

    try:
        return find(portfolio)
    except ConfigError:
        if portfolio:
            raise
        return None


@app.command("new")
def preset_new(
    name: Annotated[str, typer.Argument(help="<system>.<name>, such as acme.stops.")],
    portfolio: PortfolioOption = None,
) -> None:
    """Writes the beginning of a preset: into the portfolio of -p, else into this checkout of plantlake with a sample."""
    from connectors.scaffold import new_preset

    _told(new_preset(name, _root(portfolio) if portfolio else None))


connector_app = typer.Typer(help="Connector kinds: the formats and protocols that plantlake reads.", no_args_is_help=True)


@connector_app.command("list")
def connector_list(as_json: JsonOption = False) -> None:
    """Lists the kinds, with what each reads."""
    import polars as pl

    from connectors.registry import KINDS, connector

    rows = [
        {"kind": kind, "record sets": ", ".join(connector(kind).records), "files": ", ".join(connector(kind).suffixes)} for kind in KINDS
    ]
    if as_json:
        print_json(rows)
        return
    table(pl.DataFrame(rows))


@connector_app.command("new")
def connector_new(
    kind: Annotated[str, typer.Argument(help="As plant files will write it, such as acme_log.")],
    family: Annotated[str, typer.Option(help="files, documents, erp, historians or machines.")] = "files",
) -> None:
    """Writes the beginning of a kind into this checkout: module, page, samples, registry. It passes the conformance suite as it is."""
    from connectors.scaffold import new_kind

    _told(new_kind(kind, family))
    out.print(f"Next: pytest tests/connectors -k {kind}, then docs/adding-a-connector.md", highlight=False)


def _told(written: list[Path]) -> None:
    for path in written:
        out.print(str(path), highlight=False, soft_wrap=True)
