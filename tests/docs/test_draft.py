"""The draft of docs/add-a-plant.md, typed: the exports of the page give the summary and the lines that stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_on_call import typed
from test_worked_example import ADD, FILES, written

from connectors import portfolio
from connectors.yaml_lines import load

(DRAFT,) = re.findall(r"^## Draft the plant file\n(.*?)^## ", ADD, re.DOTALL | re.MULTILINE)
((COMMAND, EXPECTED),) = re.findall(r"^```console\n\$ (plantlake plant new [^\n]*)\n(.*?)^```", DRAFT, re.DOTALL | re.MULTILINE)
(EXCERPT,) = re.findall(r"^```yaml\n(.*?)^```", DRAFT, re.DOTALL | re.MULTILINE)
ANSWERS = {"calendar": "none", "S": "DELAY_ORG"}
"""What the worked example knows and the exports do not tell; its shifts are another way to say the first."""


@pytest.fixture
def drafted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str, int]:
    root = written(tmp_path / "portfolio")
    (root / "plants" / "acme-tulsa.yaml").unlink()
    monkeypatch.chdir(root)
    monkeypatch.setenv("PLANTLAKE_PORTFOLIO", str(root))
    return root, *typed(COMMAND)


def test_the_draft_prints_what_the_page_says(drafted: tuple[Path, str, int]) -> None:
    root, said, code = drafted
    assert (said, code) == (EXPECTED.strip(), 0)
    assert EXCERPT.strip("\n") in (root / "plants" / "acme-tulsa.yaml").read_text(encoding="utf-8")


def test_with_two_answers_it_is_the_plant_of_the_page(drafted: tuple[Path, str, int], tmp_path: Path) -> None:
    """The same columns, formats, classes and signs as the plant file that was written by hand; sources may have other names."""
    root, _, _ = drafted
    path = root / "plants" / "acme-tulsa.yaml"
    text = path.read_text(encoding="utf-8")
    for key, answer in ANSWERS.items():
        text = re.sub(rf'(\b{key}: )"\?\?\?"', rf"\g<1>{answer}", text)
    path.write_text(text, encoding="utf-8")
    plant, problems = portfolio.read_plant(root, "acme-tulsa")
    assert problems == []
    hand = tmp_path / "hand.yaml"
    hand.write_text(FILES["plants/acme-tulsa.yaml"], encoding="utf-8")
    wanted = {source["path"]: source["tables"] for source in load(hand, "hand")["sources"].values()}
    assert plant is not None
    assert {source["path"]: source["tables"] for source in load(path, "draft")["sources"].values()} == wanted
