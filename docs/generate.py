"""Writes what the pages repeat of the code: keys of plant files, canonical tables, vocabularies, KPIs, published columns, commands.

`python -m docs.generate` writes the blocks between the markers `<!-- NAME:start -->` and `<!-- NAME:end -->`; `--check` fails where
one is stale. Here: blocks of the code's own words. Elsewhere: everything around them, which people write; the list of checks in
docs/quality.md (`quality_checks.suites`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import BaseModel

from connectors import models, presets, publishing, receivers
from connectors.registry import KINDS
from connectors.vocabularies import COLUMNS, REQUIRED
from dbt_project import catalogue as kpi_catalogue
from pipelines import cli
from pipelines.state import PARTS, TRAIL
from transforms.tables import TABLES

FOLDER = Path(__file__).resolve().parent
PLACES: dict[str, type[BaseModel]] = {
    "portfolio.yaml": models.PortfolioFile,
    "publish": publishing.Publish,
    "publish.postgres": publishing.Postgres,
    "alerts[]": receivers.Receiver,
    "alerts[].webhook": receivers.Webhook,
    "alerts[].mail": receivers.Mail,
    "alerts[].file": receivers.JsonLines,
    "plants/&lt;plant_id&gt;.yaml": models.PlantFile,
    "settings": models.Settings,
    "shifts.&lt;code&gt;": models.Shift,
    "breaks.&lt;name&gt;": models.Break,
    "equipment": models.Equipment,
    "equipment.units.&lt;code&gt;": models.Unit,
    "equipment.units.&lt;code&gt;.settings": models.UnitSettings,
    "lines.&lt;code&gt;": models.Line,
    "definition": models.Definition,
    "assumptions[]": models.Assumption,
    "sources.&lt;name&gt;": models.Source,
    "sources.&lt;name&gt;.exported_at": models.FromName,
    "sources.&lt;name&gt;.covers": models.Covers,
    "sources.&lt;name&gt;.changes[]": models.Change,
    "sources.&lt;name&gt;.changes[].tables.&lt;table&gt;": models.ChangedTable,
    "sources.&lt;name&gt;.tables.&lt;table&gt;": models.Table,
    "… .columns.&lt;column&gt;": models.Column,
    "… .skip.&lt;name&gt;, … .negate": models.Condition,
    "… .split": models.Split,
    "… .counter": models.Counter,
    "… .intervals": models.Intervals,
    "… .limits.&lt;tag&gt;": models.Limits,
}
"""Where in the files a model stands."""


def keys() -> Iterator[str]:
    """Every key of portfolio and plant files."""
    for place, model in PLACES.items():
        yield from (
            f"## {place}",
            "",
            _cell((model.__doc__ or "").strip().split("\n")[0]),
            "",
            "| key | | words | default |",
            "|---|---|---|---|",
        )
        schema = model.model_json_schema(by_alias=True)
        properties = schema.get("$defs", {}).get(model.__name__, schema)["properties"]  # a model that holds itself stands among its parts
        for name, info in model.model_fields.items():
            key = info.alias or name
            default = "required" if info.is_required() else _default(info.default)
            about = properties[key].get("description", "")
            yield f"| `{key}` | {_cell(about)} | {', '.join(_words(properties[key]))} | {default} |"
        yield ""


def _default(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if isinstance(value, str | int | float) else ""


def _words(schema: dict[str, Any]) -> list[str]:
    """The closed list of words that a key takes, if it has one."""
    inner = [*schema.get("anyOf", []), *(schema[key] for key in ("items", "propertyNames") if key in schema)]
    return [*map(str, schema.get("enum", [])), *(word for part in inner for word in _words(part))]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def tables() -> Iterator[str]:
    """Every canonical table with the columns that a plant file may map to it."""
    for name, spec in TABLES.items():
        grain = spec.grain[:1].upper() + spec.grain[1:]
        yield from (f"### {name}", "", f"{grain}. Modes: {', '.join(spec.modes)}; default {spec.mode}.", "")
        for choice in spec.alternatives:
            yield from (f"At least one of {', '.join(f'`{column}`' for column in choice)} is needed.", "")
        if spec.key:
            yield from (f"Natural key: {', '.join(f'`{column}`' for column in spec.key)}.", "")
        yield from ("| column | type | unit of | | |", "|---|---|---|---|---|")
        for key, wanted in spec.inputs.items():
            required = "required" if wanted.required else ""
            yield f"| `{key}` | {wanted.type} | {(wanted.dimension or '').replace('_', ' ')} | {required} | {_cell(wanted.doc)} |"
        yield ""


def vocabularies() -> Iterator[str]:
    """Every vocabulary with its columns."""
    yield from ("| file | columns (**required**) |", "|---|---|")
    for name, columns in COLUMNS.items():
        shown = (f"**`{column}`**" if column in REQUIRED[name] else f"`{column}`" for column in columns)
        yield f"| `vocabularies/{name}.csv` | {', '.join(shown)} |"


def kinds() -> Iterator[str]:
    """Every connector kind with its page."""
    yield ", ".join(f"[{kind}](connectors/{kind}.md)" for kind in KINDS) + "."


def known_systems() -> Iterator[str]:
    """Every preset."""
    yield from ("| preset | what it reads | system | kind | tables |", "|---|---|---|---|---|")
    for found in presets.overview():
        kind = found.source["kind"]
        filled = ", ".join(presets.tables_of(found))
        yield f"| `{found.name}` | {_cell(found.about)} | {_cell(found.system)} | [{kind}](connectors/{kind}.md) | {filled} |"


def kpis() -> Iterator[str]:
    """Every KPI of the catalogue."""
    yield from ("| KPI | name | formula | in ISO 22400-2 | what moves it without any change on the shop floor |", "|---|---|---|---|---|")
    for kpi_id in kpi_catalogue.kpi_ids():
        found = {kpi.profile: kpi.about for kpi in kpi_catalogue.catalogue() if kpi.kpi_id == kpi_id}
        iso = found["ISO"]
        others = [f"{name}: {_cell(about['formula'])}" for name, about in found.items() if about["formula"] != iso["formula"]]
        formula = "; ".join([_cell(iso["formula"]), *others])
        name = str(iso["iso_name"]).removeprefix("ISO 22400-2: ")
        yield f"| {kpi_id} | {iso['name']} | {formula} | {name} | {_cell(iso['non_comparability'])} |"


def columns() -> Iterator[str]:
    """The columns of the published KPI tables, by the contracts of their dbt models."""
    files = ("models/marts/marts.yml", "models/intermediate/intermediate.yml")
    models = [model for name in files for model in yaml.safe_load((kpi_catalogue.FOLDER / name).read_text(encoding="utf-8"))["models"]]
    described = {model["name"]: model for model in models}
    of_marts = {name: name for name in ("kpi_value", "kpi_target", *(parts.mart for parts in PARTS), "kpi_definition")}
    for name, model in ((name, described[of]) for name, of in (of_marts | TRAIL).items()):
        yield from (f"### {name}", "", _cell(model["description"]), "", "| column | type | |", "|---|---|---|")
        yield from (f"| `{c['name']}` | {c['data_type']} | {_cell(c['description'])} |" for c in model["columns"])
        if name in TRAIL:
            yield "| `month` | varchar | month of the production day, as 2026-10; part of the names of files, as `plant_id` is |"
        yield ""


def commands() -> Iterator[str]:
    """Every verb of the command line with its arguments and options."""
    for name, command in verbs(typer.main.get_command(cli.app), "plantlake"):
        yield from (f"### {name}", "", _cell(command.help), "", "| | |", "|---|---|")
        for parameter in command.params:
            words = parameter.opts if parameter.opts[0].startswith("-") else [parameter.name.upper()]
            yield f"| {' '.join(f'`{word}`' for word in words)} | {_cell(getattr(parameter, 'help', '') or '')} |"
        yield ""


def verbs(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The verbs below a command, each with its full name."""
    inner = getattr(command, "commands", None)
    if inner is None or command.invoke_without_command:
        yield name, command
    for word, found in (inner or {}).items():
        yield from verbs(found, f"{name} {word}")


BLOCKS: dict[str, dict[str, Callable[[], Iterator[str]]]] = {
    "presets.md": {"systems": known_systems},
    "plant-file.md": {"keys": keys, "kinds": kinds, "tables": tables, "vocabularies": vocabularies},
    "kpis.md": {"kpis": kpis},
    "sql.md": {"columns": columns},
    "operations.md": {"commands": commands},
}


def pages() -> dict[Path, str]:
    """The pages with generated blocks, as they have to be. Raises ValueError where a page lacks a marker."""
    found = {}
    for name, blocks in BLOCKS.items():
        text = (FOLDER / name).read_text(encoding="utf-8")
        for block, make in blocks.items():
            start, end = f"<!-- {block}:start -->", f"<!-- {block}:end -->"
            if text.count(start) != 1 or text.count(end) != 1:
                raise ValueError(f"docs/{name} has to hold {start} and {end} once")
            content = "\n".join(make()).strip()
            text = re.sub(f"{start}.*{end}", lambda _, s=start, c=content, e=end: f"{s}\n\n{c}\n\n{e}", text, flags=re.DOTALL)  # type: ignore[misc]
        found[FOLDER / name] = text
    return found


def main() -> int:
    """Writes the blocks, or with --check says which pages are stale."""
    stale = [path for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" in sys.argv:
            sys.stderr.write(f"docs/{path.name} is stale: run `python -m docs.generate`\n")
        else:
            path.write_text(pages()[path], encoding="utf-8")
    return 1 if "--check" in sys.argv and stale else 0


if __name__ == "__main__":
    sys.exit(main())
