"""Four real plants, read where their data lies beside the checkout: their totals, their laws, and what they cannot support.

The expected figures were worked out from the raw files, independently of the product (shared/data/expected.md).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines import build
from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.refresh import Refresh
from publish.reader import Snapshot

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = CHECKOUT / "../shared/data"
PLANTS = ("mes_4tu_production", "mes_optimoldiq", "mes_sme_retrofit", "mtc_nist_shdr")

pytestmark = pytest.mark.skipif(
    not all((DATA / plant).is_dir() for plant in PLANTS), reason="the real plants' data is not beside the checkout"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "portfolio"
    shutil.copytree(CHECKOUT / "examples/real", folder, ignore=shutil.ignore_patterns("lake"))
    for file in (folder / "plants").glob("*.yaml"):
        if file.stem not in PLANTS:
            file.unlink()
            continue
        file.write_text(file.read_text().replace("../../../shared/data", str(DATA.resolve())))
    job = Refresh(folder)
    with writer_lock(job.lake):
        job.run(job.plan(), quality=False)
    job.close()
    assert job.outcome.problems == []
    return folder


@pytest.fixture(scope="module")
def lake(root: Path) -> Snapshot:
    return Snapshot(root / "lake" / "kpi.duckdb")


def one(lake: Snapshot, sql: str) -> tuple[Any, ...]:
    (row,) = lake.rows(sql)
    return row


def kpi(lake: Snapshot, plant: str, kpi_id: str, period: str = "MONTH") -> list[tuple[Any, ...]]:
    return lake.rows(
        "SELECT value, status, flags FROM kpi_value WHERE scope_type = 'PLANT' AND profile = 'ISO' AND scope_id = ? AND kpi_id = ?"
        " AND period_type = ? ORDER BY period_start",
        [plant, kpi_id, period],
    )


def test_second_refresh_is_a_no_op(root: Path) -> None:
    job = Refresh(root)
    assert not job.plan()
    job.close()


def test_no_export_of_a_real_plant_changed(lake: Snapshot) -> None:
    """Three purchase orders of five weeks, eighteen days of a machine tool: more orders or fewer, and nothing that needs anybody."""
    assert lake.rows("SELECT plant_id, what, message FROM drift") == []


def test_conservation_per_export_and_table(lake: Snapshot) -> None:
    rows = lake.rows(
        "SELECT name, records_read, accepted + rejected + duplicate + filtered FROM export_ledger WHERE table_name IS NOT NULL"
    )
    assert len(rows) > 20
    assert [row for row in rows if row[1] != row[2]] == []


def test_moulding_plant_totals(lake: Snapshot) -> None:
    total, good, scrap = one(lake, "SELECT sum(pq), sum(gq), sum(sq) FROM mart_kpi_parts_shift WHERE plant_id = 'mes_optimoldiq'")
    assert (total, good, scrap) == (5_397_276, 5_194_003, 203_273)
    assert total == good + scrap
    assert float(scrap / total) == pytest.approx(0.037662, abs=5e-7)


def test_moulding_plant_counts_a_shift_once_though_two_items_ran_in_it(lake: Snapshot) -> None:
    # 697 lines of the report are 675 machine-shifts of 8 h; 20 of them say nothing about pieces and stay in planned time.
    shifts, reported, planned = one(
        lake,
        "SELECT sum(expected_count_shifts), sum(reported_count_shifts), sum(pbt_s) FROM mart_kpi_parts_shift"
        " WHERE plant_id = 'mes_optimoldiq'",
    )
    assert (shifts, reported, planned) == (675, 655, 675 * 8 * 3600)


def test_moulding_plant_oee_rests_on_the_assumed_shift_length(lake: Snapshot) -> None:
    # Ideal seconds of good pieces on standard cavities over 675 assumed shifts: 16,029,819.25 / 19,440,000 = 0.824579.
    assert one(lake, "SELECT sum(ideal_gq_s) FROM mart_kpi_parts_shift WHERE plant_id = 'mes_optimoldiq'")[0] == pytest.approx(
        16_029_819.25
    )
    ((value, status, flags),) = kpi(lake, "mes_optimoldiq", "OEE")
    assert value == pytest.approx(0.824579, abs=5e-7)
    assert status == "ESTIMATED"
    assert {"ASSUMED_CALENDAR", "ASSUMED_RATE"} <= set(flags)


def test_moulding_plant_has_no_run_time(lake: Snapshot) -> None:
    for name in ("A", "E"):
        ((value, status, flags),) = kpi(lake, "mes_optimoldiq", name)
        assert (value, status) == (None, "NOT_COMPUTABLE")
        assert "NO_STATES" in flags
    assert one(lake, "SELECT sum(aust_s) FROM mart_kpi_parts_shift WHERE plant_id = 'mes_optimoldiq'") == (None,)


def test_machine_shop_time_is_a_union_per_resource(lake: Snapshot) -> None:
    run, setup, breakdown, failures = one(
        lake,
        "SELECT sum(apt_s), sum(aust_s), sum(adet_eq_s) + sum(micro_s), sum(fe) FROM mart_kpi_parts_shift WHERE plant_id = 'mes_4tu_production'",
    )
    assert (run, setup, breakdown, failures) == (30_534_240, 8_356_980, 511_200, 46)
    assert float(setup / (run + setup)) == pytest.approx(0.214881, abs=5e-7)


def test_machine_shop_counts_but_has_neither_calendar_nor_rate(lake: Snapshot) -> None:
    done, rejected, rework = one(lake, "SELECT sum(gq), sum(sq), sum(rq) FROM mart_kpi_parts_shift WHERE plant_id = 'mes_4tu_production'")
    assert (done, rejected, rework) == (88_285, 586, 105)
    assert [value for value, *_ in kpi(lake, "mes_4tu_production", "OEE")] == [None] * 3
    assert [value for value, *_ in kpi(lake, "mes_4tu_production", "A")] == [None] * 3
    assert all("NO_IDEAL_RATE" in flags for _, _, flags in kpi(lake, "mes_4tu_production", "Q"))
    assert all(0.98 < value < 1 for value, *_ in kpi(lake, "mes_4tu_production", "QC"))


def test_machine_shop_repeats_are_counted_and_not_loaded(lake: Snapshot) -> None:
    assert lake.rows("SELECT DISTINCT duplicate FROM export_ledger WHERE plant_id = 'mes_4tu_production'") == [(22,)]


def test_retrofit_plant_automatic_time_per_asset(lake: Snapshot) -> None:
    rows = lake.rows(
        "SELECT e.equipment_code, sum(p.apt_s) FROM mart_kpi_parts_shift p JOIN equipment e USING (equipment_id)"
        " WHERE p.plant_id = 'mes_sme_retrofit' GROUP BY 1 ORDER BY 1"
    )
    assert [(code, int(seconds)) for code, seconds in rows] == [("0", 824_418), ("1", 714_554), ("2", 809_479)]


def test_retrofit_plant_counts_items_but_no_rejects(lake: Snapshot) -> None:
    assert one(lake, "SELECT sum(pq), sum(gq) FILTER (gq > 0) FROM mart_kpi_parts_shift WHERE plant_id = 'mes_sme_retrofit'") == (
        40_067,
        None,
    )
    for name in ("OEE", "A", "Q"):
        assert [value for value, *_ in kpi(lake, "mes_sme_retrofit", name)] == [None]


def test_nist_machine_states_are_counted_once(lake: Snapshot) -> None:
    active = one(lake, "SELECT sum(apt_s), sum(ct_s) FROM mart_kpi_parts_shift WHERE plant_id = 'mtc_nist_shdr'")
    assert float(active[0]) == pytest.approx(18_454.687, abs=5e-4)
    assert active[1] == 15 * 86_400  # 2017-10-01 to 15: the quiet days are told by the names of their dumps


def test_nist_machine_unavailable_is_unknown_time_and_no_stop(root: Path) -> None:
    with build.connection(Lake(root / "lake")) as con:
        ledger = dict(
            con.execute(
                "SELECT time_class, sum(duration_s) FROM int.int_time_segment WHERE plant_id = 'mtc_nist_shdr' GROUP BY 1"
            ).fetchall()
        )
    assert float(ledger["UNKNOWN"]) == pytest.approx(1_191_145.585, abs=5e-3)
    assert sum(ledger.values()) == 15 * 86_400


def test_nist_machine_pieces_are_null_and_not_zero(lake: Snapshot) -> None:
    assert one(lake, "SELECT sum(pq) FROM mart_kpi_parts_shift WHERE plant_id = 'mtc_nist_shdr'") == (None,)
    for name in ("OEE", "A", "E", "Q", "QC", "TEEP"):
        assert [value for value, *_ in kpi(lake, "mtc_nist_shdr", name)] == [None]


def test_nist_observations_replayed_by_later_dumps_are_loaded_once(lake: Snapshot) -> None:
    # 228,193 lines; 8 quiet dumps hold the very bytes of another one (688 lines) and are deliveries of their own days; the others repeat
    # 516 old observations.
    read, accepted, repeated = one(
        lake,
        "SELECT sum(records_read), sum(accepted), sum(duplicate) FROM export_ledger WHERE plant_id = 'mtc_nist_shdr'"
        " AND table_name = 'historian_sample'",
    )
    assert (read, accepted, repeated) == (228_193, 226_989, 688 + 516)
