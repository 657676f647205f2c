"""Writes the beginning of a new kind or preset, which passes the conformance suite before its first line is changed.

Here: which files there are and what stands in them at first. A new kind reads lines of `key=value`, because a beginning that works is
changed more safely than one that does not. Elsewhere: what a kind promises (`connectors.contract`), what a preset is
(`connectors.presets`), the walk through both (docs/adding-a-connector.md).
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from connectors.errors import ConfigError, Problem, closest, listed
from connectors.presets import OWN, SYSTEMS, names
from connectors.registry import KINDS

CHECKOUT = Path(__file__).resolve().parent.parent
FAMILIES = ("files", "documents", "erp", "historians", "machines")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

MODULE = Template('''\
"""$title (`kind: $kind`): <what it is, who writes it, the standard or the documentation of its format>.

Here: <what is particular to the format>. Elsewhere: bytes to text (`connectors.kinds.files.text`), records to a frame
(`connectors.kinds.files.record_frames`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from connectors.contract import SURPLUS, UNREADABLE, FileConnector
from connectors.kinds.files import text
from connectors.kinds.files.record_frames import Record, Spool
from connectors.strict import StrictModel

PAIR = re.compile(r'(\\w[\\w.-]*)=("[^"]*"|[^\\s"]*)(?:\\s+|$$)')


class ${camel}Options(StrictModel):
    """How the lines are written."""

    encoding: str | None = None
    """Of the file; default: detected."""
    fields: tuple[str, ...] = ()
    """Fields that a file may lack altogether: their columns are there all the same, empty."""


class $camel(FileConnector):
    """Reads lines of key=value; a value with blanks stands in double quotes."""

    kind = "$kind"
    version = "1"
    Options = ${camel}Options
    suffixes = (".log",)

    def read(self, path: Path, options: ${camel}Options, records: str = "rows") -> pl.LazyFrame:
        """One row a line that is not blank, every column text. See `connectors.contract`."""
        spool = Spool(path, options.fields)
        for record in _records(text.lines(text.lined(path, options.encoding, wanted="lines of key=value"))):
            spool.add(record)
        return spool.frame()


def _records(lines: Iterator[str]) -> Iterator[Record]:
    for line in lines:
        if line.strip():
            yield _record(line.strip())


def _record(line: str) -> Record:
    """The fields of a line; a line that is not made of pairs is a record that cannot be read, and no line is lost."""
    if not re.fullmatch(f"(?:{PAIR.pattern})+", line):
        return {SURPLUS: line, UNREADABLE: "the line is not made of key=value"}
    return {key: value.strip('"') for key, value in PAIR.findall(line)}


CONNECTOR = $camel()
''')
PAGE = Template("""\
# $kind

Reads <what, of which system, in which versions>.

```yaml
sources:
  stops:
    kind: $kind
    path: mes/stops_*.log
    tables:
      equipment_state_event:
        columns: {equipment: machine, start_ts: from, end_ts: to, state_class: {const: DELAY_EQ}, source_reason_code: reason}
```

## What you get

One row a line. Every value is text; `_row` counts the lines that are not blank. A line that cannot be read is rejected with its text.

## Options

| option | default | what it is |
|---|---|---|
| `encoding` | detected | of the file |
| `fields` | | fields that a file may lack altogether: their columns are there all the same, empty |

## What goes wrong

- <the words of an error>: <what to do>.
""")
SAMPLE = """\
from=2026-11-19T06:00:00 to=2026-11-19T06:10:00 machine=M1 reason="tool broken"
from=2026-11-19T07:00:00 to=2026-11-19T07:05:00 machine=M2 reason=17
this is no record
"""
GOOD = """\
file: stops.log
expect:
  columns: [from, to, machine, reason, _surplus, _unreadable]
  rows: 3
  first: {machine: M1, reason: tool broken}
  last: {_surplus: this is no record, _unreadable: the line is not made of key=value}
"""
HOSTILE = """\
make: {name: stops.log, text: "%PDF-1.7 a report that somebody printed"}
expect: {error: PDF}
"""
PRESET = Template("""\
about: <What it reads, in one sentence.>
system: <Product and versions>
notes:
  - <What it does and why: dirt of the system that it knows.>
source:
  kind: delimited
  path: "**/*.csv"
  tables:
    equipment_state_event:
      columns: {equipment: Machine, start_ts: From, end_ts: To, state_class: {const: DELAY_EQ}, source_reason_code: Reason}
""")
EXPORT = "Machine,From,To,Reason\nM1,2026-11-19 06:00:00,2026-11-19 06:10:00,17\n"
EXPECTED = """\
tables:
  equipment_state_event:
    - {equipment_code: M1, start_ts: '2026-11-19 05:00:00', end_ts: '2026-11-19 05:10:00', state_class: DELAY_EQ, source_reason_code: '17'}
"""


def new_kind(kind: str, family: str, checkout: Path = CHECKOUT) -> list[Path]:
    """Writes module, page, two samples and the line in the registry of a new kind; the files written. Raises ConfigError."""
    if not NAME.fullmatch(kind):
        raise ConfigError(Problem("A kind is lower case with underscores.", found=kind, fix="such as acme_log"))
    if family not in FAMILIES:
        raise ConfigError(Problem(f"There is no family '{family}'.", found=listed(FAMILIES), closest=closest(family, FAMILIES)))
    registry = checkout / "connectors" / "registry.py"
    if not (checkout / "tests" / "connectors").is_dir():
        raise ConfigError(Problem("A kind is written in a checkout of plantlake.", found=str(checkout), fix="git clone, then make test"))
    if kind in KINDS or f'"{kind}"' in registry.read_text(encoding="utf-8"):
        raise ConfigError(Problem(f"There is a kind '{kind}' already.", fix="another name"))
    words = {"kind": kind, "camel": "".join(part.title() for part in kind.split("_")), "title": kind.replace("_", " ").capitalize()}
    samples = checkout / "tests" / "connectors" / "samples" / kind
    written = _written({
        checkout / "connectors" / "kinds" / family / f"{kind}.py": MODULE.substitute(words),
        checkout / "docs" / "connectors" / f"{kind}.md": PAGE.substitute(words),
        samples / "lines" / "stops.log": SAMPLE,
        samples / "lines" / "case.yaml": GOOD,
        samples / "hostile_binary" / "case.yaml": HOSTILE,
    })  # fmt: skip
    known = registry.read_text(encoding="utf-8")
    line = f'    "{kind}": "connectors.kinds.{family}.{kind}",\n'
    registry.write_text(known.replace("\n}\n", f"\n{line}}}\n", 1), encoding="utf-8")
    return [*written, registry]


def new_preset(name: str, portfolio: Path | None = None, checkout: Path = CHECKOUT) -> list[Path]:
    """Writes a preset: of the portfolio, else of plantlake with a sample; the files written. Raises ConfigError."""
    system, _, own = name.partition(".")
    if not NAME.fullmatch(system) or not NAME.fullmatch(own):
        raise ConfigError(Problem("A preset is <system>.<name>, lower case with underscores.", found=name, fix="such as acme.stops"))
    if name in names(portfolio):
        raise ConfigError(Problem(f"There is a preset '{name}' already.", fix=f"plantlake preset show {name}"))
    if portfolio:
        return _written({portfolio / OWN / system / f"{own}.yaml": PRESET.substitute()})
    sample = checkout / "tests" / "connectors" / "presets" / name
    return _written({
        checkout / SYSTEMS.relative_to(CHECKOUT) / system / f"{own}.yaml": PRESET.substitute(),
        sample / "export.csv": EXPORT,
        sample / "expected.yaml": EXPECTED,
    })  # fmt: skip


def _written(files: dict[Path, str]) -> list[Path]:
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    return list(files)
