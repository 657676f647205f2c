"""What Dagster loads: with a portfolio, without one, and with a thousand plants whose files nobody may parse for it."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from small_portfolio import SmallPortfolio

from connectors import portfolio as portfolios
from connectors import yaml_lines
from pipelines import partitions
from transforms.tables import STATEMENTS, TABLES


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, portfolio: SmallPortfolio) -> ModuleType:
    monkeypatch.setenv("PLANTLAKE_PORTFOLIO", str(portfolio.good("a", "b").root))
    return _load()


def _load() -> ModuleType:
    from pipelines import definitions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.reload(definitions)


def test_with_a_portfolio(loaded: ModuleType) -> None:
    import dagster as dg

    dg.Definitions.validate_loadable(loaded.defs)
    keys = {"/".join(key.path) for key in loaded.defs.resolve_asset_graph().get_all_asset_keys()}
    assert {"bronze", "kpi_snapshot", "plant", "gold/kpi_value"} <= keys
    assert {f"silver/{name}" for name in (*TABLES, *STATEMENTS)} <= keys
    graph = loaded.defs.resolve_asset_graph()
    assert graph.get(dg.AssetKey("plant")).partitions_def.get_partition_keys() == ["a", "b"]


def test_without_a_portfolio_it_loads_with_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import dagster as dg

    monkeypatch.delenv("PLANTLAKE_PORTFOLIO", raising=False)
    monkeypatch.chdir(tmp_path)
    dg.Definitions.validate_loadable(_load().defs)
    with pytest.warns(UserWarning, match="no portfolio"):
        assert partitions.portfolio_root() is None


def test_a_thousand_plants_are_known_by_their_names_and_none_is_parsed(monkeypatch: pytest.MonkeyPatch, portfolio: SmallPortfolio) -> None:
    portfolio.plant("p0")
    for number in range(1, 1000):
        (portfolio.root / "plants" / f"p{number}.yaml").write_text("this: [is no plant file\n")

    def refuse(path: Path, shown: str) -> None:
        raise AssertionError(f"{shown} was parsed")

    monkeypatch.setattr(yaml_lines, "load", refuse)
    monkeypatch.setattr(portfolios, "load", refuse)
    monkeypatch.setenv("PLANTLAKE_PORTFOLIO", str(portfolio.root))
    assert len(partitions.plants(portfolio.root).get_partition_keys()) == 1000
    assert len(portfolios.plant_ids(portfolio.root)) == 1000
    assert _load().defs is not None


def test_the_job_the_schedule_and_the_sensor_are_there(loaded: ModuleType) -> None:
    assert loaded.defs.resolve_job_def("refresh").name == "refresh"
    assert loaded.defs.resolve_schedule_def("daily_refresh").cron_schedule == "30 7 * * *"
    assert loaded.defs.resolve_sensor_def("new_exports").job_name == "refresh"
