"""Codes that nobody mapped: told by minutes, suggested by their texts, approved, and counted from the next refresh on."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from small_portfolio import SmallPortfolio, plant_file

from pipelines import reasons
from pipelines.cli import main
from pipelines.lake import Lake
from publish.reader import Snapshot

STOPS = (
    "M1;2025-06-02 06:00;2025-06-02 09:00;RUN;;180",
    "M1;2025-06-02 09:00;2025-06-02 10:00;DELAY_EQ;Werkzeugbruch;60",
    "M1;2025-06-02 10:00;2025-06-02 10:30;DELAY_EQ;17;30",
    "M1;2025-06-02 10:30;2025-06-02 11:30;DELAY_EQ;Werkzeugbruch;60",
    "M1;2025-06-02 11:30;2025-06-02 14:00;RUN;;150",
)


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> SmallPortfolio:
    portfolio = SmallPortfolio(tmp_path_factory.mktemp("reasons") / "portfolio")
    portfolio.plant("a", plant_file("a"))
    portfolio.file("a", "stops_1.csv", *STOPS)
    portfolio.refresh()
    return portfolio


@pytest.fixture
def portfolio(refreshed: SmallPortfolio, tmp_path: Path) -> SmallPortfolio:
    return refreshed.copy(tmp_path / "portfolio")


def waiting(portfolio: SmallPortfolio) -> list[tuple[str, float, int, str, str | None]]:
    with Snapshot(Lake(portfolio.root / "lake").snapshot) as reader:
        found = reasons.waiting(reader, reasons.read_words(portfolio.root))
    return [(item.code, item.minutes, item.stops, item.state, item.reason_code) for item in found]


def lines(portfolio: SmallPortfolio) -> list[dict[str, str]]:
    with (portfolio.root / "vocabularies" / "reason_map.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["plantlake", "reasons", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_longest_code_stands_first_with_what_its_text_suggests(portfolio: SmallPortfolio) -> None:
    """Two stops of an hour; a number suggests nothing."""
    assert waiting(portfolio) == [("Werkzeugbruch", 120.0, 2, "unmapped", "E-TOOL"), ("17", 30.0, 1, "unmapped", None)]


def test_a_suggestion_is_written_once_and_counts_for_nothing(portfolio: SmallPortfolio) -> None:
    with Snapshot(Lake(portfolio.root / "lake").snapshot) as reader:
        found = reasons.waiting(reader, reasons.read_words(portfolio.root))
    assert reasons.suggest(portfolio.root, found) == 1
    (line,) = lines(portfolio)
    assert (line["plant"], line["source"], line["source_code"], line["reason_code"], line["approved_at"]) == (
        "a",
        "mes",
        "Werkzeugbruch",
        "E-TOOL",
        "",
    )
    assert line["mapped_by"].startswith("plantlake: ")
    assert waiting(portfolio)[0] == ("Werkzeugbruch", 120.0, 2, "suggested", "E-TOOL")
    with Snapshot(Lake(portfolio.root / "lake").snapshot) as reader:
        assert reasons.suggest(portfolio.root, reasons.waiting(reader, reasons.read_words(portfolio.root))) == 0


def test_the_commands_lead_from_the_pareto_to_a_coded_stop(
    portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLANTLAKE_PORTFOLIO", str(portfolio.root))
    assert typed(monkeypatch, "list") == 0
    told = capsys.readouterr().out
    assert "Werkzeugbruch" in told
    assert "80%" in told, "120 of 150 minutes"
    assert typed(monkeypatch, "suggest") == 0
    assert "1 suggestion written" in capsys.readouterr().out
    assert typed(monkeypatch, "approve", "a", "--all", "--by", "jane") == 0
    assert typed(monkeypatch, "approve", "a", "17", "--as", "O-MAT", "--by", "jane") == 0
    assert [(line["source_code"], line["reason_code"], line["mapped_by"], bool(line["approved_at"])) for line in lines(portfolio)] == [
        ("Werkzeugbruch", "E-TOOL", "jane", True), ("17", "O-MAT", "jane", True),
    ]  # fmt: skip
    assert [item[3] for item in waiting(portfolio)] == ["approved", "approved"], "until the next refresh"
    portfolio.refresh()
    assert waiting(portfolio) == []
    capsys.readouterr()
    assert typed(monkeypatch, "list") == 0
    assert "Every coded stop has an approved reason." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("approve", "a", "Werkzeugbrauch"), "no line in reason_map.csv"),
        (("approve", "a", "17", "--as", "E-TOL"), "Closest: E-TOOL"),
        (("approve", "a"), "no suggestion waits"),
    ],
)
def test_what_cannot_be_approved_is_told(
    portfolio: SmallPortfolio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("PLANTLAKE_PORTFOLIO", str(portfolio.root))
    assert typed(monkeypatch, *words) == 2
    assert told in capsys.readouterr().err


def test_nothing_else_of_the_file_is_lost(portfolio: SmallPortfolio) -> None:
    """A line with an unknown reason is left out by the product, and stays in the file for its owner."""
    path = portfolio.root / "vocabularies" / "reason_map.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("source_code,plant,reason_code,approved_at\nX,b,NOT-A-REASON,2026-01-01\nWerkzeugbruch,a,E-TOOL,\n", encoding="utf-8")
    assert reasons.approve(portfolio.root, "a", ["Werkzeugbruch"], "jane") == ["Werkzeugbruch"]
    assert path.read_text(encoding="utf-8").splitlines()[:2] == [
        "source_code,plant,reason_code,approved_at,source,mapped_by,valid_from,valid_to", "X,b,NOT-A-REASON,2026-01-01,,,,",
    ]  # fmt: skip
