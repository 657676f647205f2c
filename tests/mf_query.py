"""`mf query` over a lake's snapshot, beside what `kpi_value` says: for tests that have a lake.

Here: a copy of the generated MetricFlow project, its answer, the comparison. Elsewhere: the lakes (tests/sample, tests/golden).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from dbt_project import semantic_models
from dbt_project.catalogue import Kpi
from publish.reader import Snapshot

MF = Path(sys.executable).with_name("mf")
SIDES = ("numerator", "denominator")
needs_mf = pytest.mark.skipif(not MF.exists(), reason="dbt-metricflow is not installed in this environment (it is in requirements.txt)")


def answer(lake: Path, folder: Path, metrics: list[str], group_by: str) -> pl.DataFrame:
    """What `mf query` says of these metrics; `folder` is where the copy of the project goes."""
    project = shutil.copytree(semantic_models.PROJECT, folder / "semantic", ignore=shutil.ignore_patterns("target", "logs"))
    environment = {**os.environ, "PLANTLAKE_SNAPSHOT": str(lake / "kpi.duckdb"), "DBT_PROFILES_DIR": str(project)}

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run(str(MF.with_name("dbt")), "parse", "--quiet")
    run(str(MF), "query", "--metrics", ",".join(metrics), "--group-by", group_by, "--csv", "found.csv", "--quiet")
    return pl.read_csv(project / "found.csv", infer_schema_length=None)


def assert_equal(lake: Path, folder: Path, wanted: Callable[[Kpi], bool] = lambda _: True) -> int:
    """Compares both sides and the value of every metric with `kpi_value`, by plant and month; returns how many values there are."""
    kpis = {semantic_models.metric_name(kpi): kpi for kpi in semantic_models.semantic_kpis() if wanted(kpi)}
    found = answer(lake, folder, [name for kpi in kpis for name in (kpi, *(f"{kpi}_{side}" for side in SIDES))], "plant,metric_time__month")
    with Snapshot(lake / "kpi.duckdb") as snapshot:
        told = snapshot.query("SELECT * FROM kpi_value WHERE scope_type = 'PLANT' AND period_type = 'MONTH'")
    values = 0
    for name, kpi in kpis.items():
        of = found.select(
            scope_id=pl.col("plant").cast(pl.String), period_start=pl.col("metric_time__month").cast(pl.String).str.slice(0, 10).str.to_date(),
            **{f"{side}_mf": pl.col(f"{name}_{side}").cast(pl.Float64) for side in SIDES}, value_mf=pl.col(name).cast(pl.Float64),
        )  # fmt: skip
        mine = told.filter(kpi_id=kpi.kpi_id, profile=kpi.profile).join(of, on=["scope_id", "period_start"], how="left")
        for side in SIDES:
            _same(mine, side, name, pl.lit(True))
        _same(mine, "value", name, pl.col("value").is_not_null())  # where kpi_value withholds one, mf has the quotient of its sides
        values += mine["value"].count()
    return values


def _same(frame: pl.DataFrame, column: str, name: str, where: pl.Expr) -> None:
    left, right = pl.col(column), pl.col(f"{column}_mf")
    near = (left - right).abs() <= 1e-9 * pl.max_horizontal(left.abs(), pl.lit(1.0))
    wrong = frame.filter(where & ~(near.fill_null(False) | (left.is_null() & right.is_null())))
    assert wrong.is_empty(), f"{name}, {column}:\n{wrong.select('scope_id', 'period_start', column, f'{column}_mf')}"
