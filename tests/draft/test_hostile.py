"""Whatever lies in a folder: every file is drafted or told, nothing crashes, and the file that comes out is one that `plant check` reads."""

from __future__ import annotations

import io
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from drafts import Drafts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.registry import KINDS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "connectors"))
from mutations import DAMAGE, damaged

SAMPLES = Path(__file__).resolve().parents[1] / "connectors" / "samples"
GOOD = b"Machine;Start;End;State\nP1;19.11.2026 06:00:00;19.11.2026 06:30:00;Running\nP1;19.11.2026 06:30:00;19.11.2026 07:00:00;Idle\n"
DEFECT = "it cannot be drafted"


def told(drafts: Drafts) -> list[str]:
    """Drafts the folder; the defects among what it says of files, and what `plant check` finds beside the open values."""
    draft = drafts.draft()
    _, problems = drafts.checked()
    return [why for _, why in draft.left_out if why.startswith(DEFECT)] + [text for text in problems if "is left open" not in text]


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_of_every_kind(drafts: Drafts, kind: str) -> None:
    """The samples of a kind, the hostile ones among them, beside a good file."""
    drafts.put("good.csv", GOOD)
    for path in sorted((SAMPLES / kind).rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".yaml", ".yml"):
            drafts.put(f"{path.parent.name}/{path.name}", path.read_bytes())
    assert told(drafts) == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damage=DAMAGE,
    which=st.sampled_from(["delimited/quoted", "json/plain", "xml/repeated_children", "sap_odata/v2", "mtconnect_shdr/states"]),
)
def test_damaged_files(tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[float, int, str, bytes]], which: str) -> None:
    drafts = Drafts(tmp_path_factory.mktemp("damaged"))
    drafts.put("good.csv", GOOD)
    for path in (SAMPLES / which).iterdir():
        if path.is_file() and path.suffix not in (".py", ".yaml", ".yml"):
            drafts.put(f"x/{path.name}", damaged(path.read_bytes(), damage))
    assert told(drafts) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=5), min_size=1, max_size=12),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_any_text_in_cells(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str) -> None:
    drafts = Drafts(tmp_path_factory.mktemp("text"))
    drafts.put("good.csv", GOOD)
    text = "\n".join(delimiter.join(row) for row in rows)
    drafts.put("x/any.csv", f"Machine{delimiter}Start{delimiter}State\n{text}\n".encode("utf-8", "replace"))
    assert told(drafts) == []


def test_headers_of_all_sorts(drafts: Drafts) -> None:
    """Repeated, empty, emoji, patterns of polars, quotes, colons and marks of YAML."""
    head = ["Time", "🙂", "a: b", "# c", '"d"', "^.*$", "*", "", "{x}", "Time", "[y]", "- z", "true", "12", "a\u00a0b"]
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in head)
    rows = "".join(",".join([f"2026-11-19 06:{n:02d}:00", *[str(n + 0.5)] * 8, "x", *[str(n)] * 5]) + "\n" for n in range(30))
    drafts.put("odd.csv", f"{quoted}\n{rows}")
    draft = drafts.draft()
    plant, problems = drafts.checked()
    assert (problems, draft.left_out) == ([], [])
    assert plant is not None
    assert drafts.conformed(plant) == {"odd.historian_sample": (30, 0)}


def test_a_line_of_many_megabytes(drafts: Drafts) -> None:
    """Memory stays near the size of the file, and the good file beside it is drafted."""
    drafts.put("good.csv", GOOD)
    drafts.put("long.csv", b"a;b\n" + b"x" * (20 << 20) + b";1\n2;3\n")
    tracemalloc.start()
    assert told(drafts) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400 << 20


def test_a_zip_bomb_and_deep_json(drafts: Drafts) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"a;b\n" + b"1;2\n" * 1_000_000)
        archive.writestr("b.csv", b"a;b\n1;2\n")
    drafts.put("good.csv", GOOD)
    drafts.put("two.zip", packed.getvalue())
    drafts.put("deep.json", "[" * 100_000 + "]" * 100_000)
    drafts.put("deep2.json", '{"a":' * 5_000 + "1" + "}" * 5_000)
    assert told(drafts) == []
    assert (drafts.root / "plants" / "p.yaml").read_text().count("good.csv") == 1


def test_a_folder_of_another_place(drafts: Drafts, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Exports outside the portfolio, as a folder and as an address: `root` says where they are."""
    other = tmp_path_factory.mktemp("share")
    (other / "a.csv").write_bytes(GOOD)
    drafts.draft(places=[other])
    plant, problems = drafts.checked()
    assert (problems, plant is not None) == ([], True)
    assert plant is not None
    assert drafts.conformed(plant) == {"a.equipment_state_event": (2, 0)}
    import fsspec

    fsspec.filesystem("memory").pipe("/share/a.csv", GOOD)
    from drafts import KNOWN

    from pipelines.draft.drafting import draft_plant

    found = draft_plant("p", ["memory://share"], drafts.root, KNOWN)
    assert [source.path for source in found.sources] == ["a.csv"]
    assert 'root: "memory://share"' in found.text
