"""Writes the sample portfolio: what people state (portfolio, plants, vocabularies) and what the plants deliver.

Here: the order of the steps. Elsewhere: the plants (`facts`), what happens in them (`simulate`), their files (`dialects_*`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from examples.sample import dialects_erp, dialects_machine, dialects_mes, dialects_office, dialects_sheet
from examples.sample.delivery import Landing
from examples.sample.office import KINDS
from examples.sample.simulate import Site, simulate
from examples.sample.truth import truth

HERE = Path(__file__).parent

DIALECTS: dict[str, tuple[Callable[[Site, Landing], None], ...]] = {
    "deu01": (dialects_mes.deu01,),
    "usa01": (dialects_mes.usa01,),
    "gbr01": (dialects_machine.gbr01, dialects_erp.confirmations),
    "mex01": (dialects_erp.confirmations,),
    "cze01": (dialects_mes.cze01,),
    "usa02": (dialects_mes.usa02, dialects_machine.historian),
    "deu02": (dialects_erp.deu02,),
    "ind01": (dialects_sheet.ind01,),
}


def write_portfolio(target: Path, seed: int = 7, days: int = 45, with_truth: bool = False) -> None:
    """Writes the sample portfolio of `days` production days from 2026-09-21 into `target`, byte for byte the same each time.

    `with_truth` adds truth/parts.csv, products.csv, kpis.csv (the right numbers) and dirt.csv (every row that has to be rejected).
    """
    target.mkdir(parents=True, exist_ok=True)
    for folder in ("plants", "vocabularies"):
        shutil.copytree(HERE / folder, target / folder, dirs_exist_ok=True)
    shutil.copyfile(HERE / "portfolio.yaml", target / "portfolio.yaml")
    landing = Landing(target / "landing")
    for site in simulate(seed, days):
        for write in DIALECTS[site.plant.plant]:
            write(site, landing)
        if site.plant.plant in KINDS:
            dialects_office.office(site, landing, seed)
    if with_truth:
        (target / "truth").mkdir(exist_ok=True)
        for name, frame in {**truth(seed, days), "dirt": pl.DataFrame(landing.dirt)}.items():
            frame.write_csv(target / "truth" / f"{name}.csv")
