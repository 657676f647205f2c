"""What every kind promises (`connectors.contract`), tried on the samples of each kind in the registry.

A sample is a folder `samples/<kind>/<case>/` with a `case.yaml`:

    file: stops.csv                      # beside case.yaml; or make: {text: ..., encoding: ..., compress: ..., cut: n}
    options: {delimiter: ";"}            # as in a plant file; the name of a file beside case.yaml becomes its path
    records: rows                        # default: the kind's first
    expect: {columns: [...], rows: 3, first: {...}, last: {...}, dtypes: {...}}
    expect: {error: "what the message must hold", fix: "what it must tell to edit"}      # instead

or `make: {workbook: {Sheet: [[...], ...]}, merged: {Sheet: [["A1:B1", text]]}}`, or `make: {parquet: {column: [...]}}`. A new kind gets all tests below by its folder.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal
from sample_files import compressed, workbook

from connectors import portfolio
from connectors.contract import ROW, Connector, FileConnector
from connectors.errors import ReadError
from connectors.registry import KINDS, connector

SAMPLES = Path(__file__).parent / "samples"
CASES = sorted(SAMPLES.glob("*/*/case.yaml"))
KIND = pytest.mark.parametrize("kind", sorted(KINDS))


def prepared(case_file: Path, folder: Path) -> tuple[dict[str, Any], Connector, Path, Any, str]:
    """A case with its file in a private folder, as the pipeline reads: connector, path, options and record set."""
    case = yaml.safe_load(case_file.read_text(encoding="utf-8"))
    for other in case_file.parent.iterdir():
        shutil.copy(other, folder / other.name)
    made = case.get("make", {})
    path = folder / case.get("file", made.get("name", "export.csv"))
    if "text" in made:
        data = made["text"].encode(made.get("encoding", "utf-8"))
        data = compressed(data, made["compress"]) if made.get("compress") else data
        path.write_bytes(data[: len(data) - made.get("cut", 0)])
    elif "workbook" in made:
        path = workbook(folder / "export.xlsx", made["workbook"], made.get("merged"))
    elif "parquet" in made:
        pl.DataFrame(made["parquet"]).write_parquet(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size - made.get("cut", 0)])
    found = connector(case_file.parent.parent.name)
    stated = {key: _path_of(value, folder) for key, value in case.get("options", {}).items()}
    return case, found, path, found.Options.model_validate(stated), case.get("records", found.records[0])


def _path_of(value: Any, folder: Path) -> Any:
    return str(folder / value) if isinstance(value, str) and value and (folder / value).is_file() else value


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize("case_file", CASES, ids=[f"{case.parent.parent.name}/{case.parent.name}" for case in CASES])
def test_sample(case_file: Path, tmp_path: Path) -> None:
    case, found, path, options, records = prepared(case_file, tmp_path)
    expect = case["expect"]
    if "error" in expect:
        with pytest.raises(ReadError) as caught:
            found.read(path, options, records).collect()
        assert expect["error"] in str(caught.value)
        assert expect.get("fix", "") in (caught.value.problems[0].fix or "")
        return
    lazy = found.read(path, options, records)
    assert isinstance(lazy, pl.LazyFrame)
    frame = lazy.collect()

    # The columns are the file's own words: blanks, units and letters of any language included.
    assert [name for name in frame.columns if name != ROW] == expect["columns"]
    assert frame.height == expect["rows"]
    for row, wanted in ((0, expect.get("first", {})), (-1, expect.get("last", {}))):
        found_row = frame.row(row, named=True) if wanted else {}
        assert {name: _text(found_row[name]) for name in wanted} == {name: _text(value) for name, value in wanted.items()}
    assert {name: str(frame.schema[name]) for name in expect.get("dtypes", {})} == expect.get("dtypes", {})

    # `_row` leads from any number in the lake back to its place in the file.
    assert frame.schema[ROW] == pl.Int64
    assert frame[ROW].null_count() == 0
    assert frame.height == 0 or frame[ROW][0] >= 1
    assert (frame[ROW].diff().drop_nulls() > 0).all()

    # And to the record as it stands there.
    ends = sorted({*frame[ROW].head(1).to_list(), *frame[ROW].tail(1).to_list()})
    originals = found.originals(path, options, records, ends)
    assert sorted(originals) == ends
    for number in ends:
        cells = [cell for cell in frame.filter(pl.col(ROW) == number).drop(ROW).row(0) if isinstance(cell, str) and cell.isalnum()]
        assert not cells or any(cell in originals[number].text for cell in cells)

    # The same bytes read the same, with the schema that was promised before a byte was read.
    assert lazy.collect_schema() == frame.schema
    assert_frame_equal(found.read(path, options, records).collect(), frame)


@KIND
def test_every_kind_has_samples_that_read_and_samples_that_do_not(kind: str) -> None:
    cases = [yaml.safe_load(case.read_text(encoding="utf-8")) for case in CASES if case.parent.parent.name == kind]
    assert any(case["expect"].get("rows", 0) > 0 for case in cases), f"add a sample to samples/{kind}/"
    assert any("error" in case["expect"] for case in cases), f"add a hostile sample to samples/{kind}/"


@KIND
def test_an_empty_file_is_an_error_and_no_empty_table(kind: str, tmp_path: Path) -> None:
    """A plant that delivers 0 bytes has not delivered an idle day."""
    found = connector(kind)
    own = (case for case in CASES if case.parent.parent.name == kind)
    case = next(case for case in own if "error" not in yaml.safe_load(case.read_text(encoding="utf-8"))["expect"])
    _, _, path, options, records = prepared(case, tmp_path)
    path.write_bytes(b"")
    with pytest.raises(ReadError) as caught:
        found.read(path, options, records).collect()
    assert "empty" in str(caught.value)


@KIND
def test_the_kind_says_what_it_is(kind: str) -> None:
    found = connector(kind)
    assert isinstance(found, Connector)
    assert (found.kind, bool(found.version), bool(found.records), bool(found.suffixes)) == (
        kind,
        True,
        True,
        isinstance(found, FileConnector),
    )
    lacking = [name for name, field in found.Options.model_fields.items() if not field.description]
    assert lacking == []


@KIND
def test_the_page_of_the_kind_names_every_option(kind: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "connectors" / f"{kind}.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in connector(kind).Options.model_fields if f"`{name}`" not in text] == []


@pytest.mark.parametrize("kind", sorted([*KINDS, "remote"]))
def test_the_examples_of_the_page_are_right(kind: str, tmp_path: Path) -> None:
    """Each block with sources is a plant that has no problem, and each line of options is one that the kind takes."""
    page = Path(__file__).parents[2] / "docs" / "connectors" / f"{kind}.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        for line in block.splitlines():
            if line.startswith("options:"):
                connector(kind).Options.model_validate(yaml.safe_load(line)["options"])
        if "tables:" in block:
            root = tmp_path / str(number)
            (root / "plants").mkdir(parents=True)
            (root / "portfolio.yaml").write_text("name: Pages\n")
            about = {"plant": "a", "name": "A", "company": "c", "timezone": "UTC", "shifts": {"F": {"at": "06:00-14:00", "days": "daily"}}}
            (root / "plants" / "a.yaml").write_text(yaml.safe_dump(about | yaml.safe_load(block)))
            assert [str(problem) for problem in portfolio.read(root).problems] == []
