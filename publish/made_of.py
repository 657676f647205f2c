"""What the columns of the parts are made of: which ledger holds it, which of its rows, and the sum that gives the column.

Here: one line a column. Elsewhere: the ledgers (`int_time_segment`, `int_count_ledger`, `int_record_ledger`), the sums that a KPI needs
(`dbt_project.catalogue`), following them down (`publish.explain`).

A column with an `amount` is the plain sum of it over its rows, and `plantlake explain` checks that. One without is made of these rows by
more than a sum: a share of run time, money at an exchange rate, a piece that several results tell of.
"""

from __future__ import annotations

from dataclasses import dataclass

PLANNED = ("PLANNED_BREAK", "PLANNED_MAINT", "PLANNED_NO_DEMAND", "PLANNED_OTHER")
DELAY = ("ADET_EQ", "ADET_ORG", "MICRO")
IN_PBT = ("APT", "AUST", *DELAY, "ADOT", "UNKNOWN")
"""Classes of time that planned busy time is the sum of."""
STOPS = ("ADET_EQ", "ADET_ORG", "AUST", "ADOT")

TIME, COUNT, RECORD = "time_segment", "count_ledger", "record_ledger"


@dataclass(frozen=True, slots=True)
class Made:
    """Rows of a ledger (a condition), and what of them is summed (an expression; None: not a plain sum)."""

    ledger: str
    where: str = "true"
    amount: str | None = None
    through_order: bool = False
    """The rows are found by the orders that count in the period, whenever they were worked on."""


def _time(*classes: str, amount: str | None = "duration_s", also: str = "") -> Made:
    listed = ", ".join(f"'{name}'" for name in classes)
    return Made(TIME, f"time_class in ({listed}){also}", amount)


def _count(amount: str | None) -> Made:
    return Made(COUNT, amount=amount)


def _record(table: str, *words: str, amount: str | None = None, also: str = "") -> Made:
    listed = ", ".join(f"'{word}'" for word in words)
    return Made(RECORD, f"table_name = '{table}'" + (f" and word in ({listed})" if words else "") + also, amount)


def _of_order(ledger: str, where: str = "true") -> Made:
    return Made(ledger, where, None, through_order=True)


_BUSY = "time_class in ('APT', 'AUST', 'ADET_EQ', 'ADET_ORG', 'MICRO')"
_FAILURE = " and is_failure and is_first_segment"
_ANY = (*IN_PBT, *PLANNED, "NOT_SCHEDULED")

MADE_OF: dict[str, Made] = {
    # Time of shifts.
    "ct_s": _time(*_ANY), "pot_s": _time(*IN_PBT, *PLANNED), "pbt_s": _time(*IN_PBT), "local_pbt_s": _time(*IN_PBT, *PLANNED, amount=None),
    "apt_s": _time("APT"), "aupt_s": _time("APT", "AUST"), "tbf_s": _time("APT", "AUST"), "aubt_s": _time("APT", "AUST", *DELAY),
    "apt_rated_s": _time("APT", amount=None), "micro_rated_s": _time("MICRO", amount=None), "aust_s": _time("AUST"),
    "adet_eq_s": _time("ADET_EQ"), "adet_org_s": _time("ADET_ORG"), "micro_s": _time("MICRO"), "adot_s": _time("ADOT"),
    "unknown_s": _time("UNKNOWN"), "stop_s": _time(*STOPS), "coded_stop_s": _time(*STOPS, also=" and is_coded"),
    "fe": _time(*_ANY, amount="1", also=_FAILURE), "ttr_s": _time(*_ANY, amount="event_duration_s", also=_FAILURE),
    "setup_count": _time("AUST", amount="1", also=" and is_first_segment"),
    "setup_elapsed_s": _time("AUST", amount="event_duration_s", also=" and is_first_segment"),
    # Pieces of shifts.
    "pq": _count("pq"), "gq": _count("gq"), "sq": _count("sq"), "rq": _count("rq"), "ideal_pq_s": _count("ideal_pq_s"),
    "ideal_gq_s": _count("ideal_gq_s"), "capacity_qty": _count(None), "local_ideal_pq_s": _count(None), "local_ideal_gq_s": _count(None),
    "good_equiv_units": _count(None),
    # Days.
    "apat_s": _record("labour_time", amount="amount", also=" and further is not null"), "apwt_s": _record("labour_time", amount="further"),
    "cmt_s": _record("maintenance_order", "CORRECTIVE", amount="amount"),
    "pmt_s": _record("maintenance_order", "PREVENTIVE", "PREDICTIVE", "CONDITION", amount="amount"),
    # Inspections.
    **{
        name: _record("inspection_result")
        for name in ("inspected", "fp_good", "rty_units", "units_started", "cp_span", "cp_spread", "cpk_span", "cpk_spread", "ppk_span",
                     "ppk_spread", "capable", "characteristics")
    },
    # Orders.
    "due_orders": _record("production_order", "DUE", amount="1"), "on_time_orders": _record("production_order", "DUE"),
    "planned_qty": _record("production_order", "DUE", amount="amount"), "aoet_s": _record("production_order", "END"),
    "order_psq": _record("production_order", "END"), "attained_qty": _of_order(COUNT), "first_op_pq": _of_order(COUNT),
    "order_pq": _of_order(COUNT), "order_sq": _of_order(COUNT), "order_apt_s": _of_order(TIME, "time_class = 'APT'"),
    "order_aubt_s": _of_order(TIME, _BUSY),
    # Plant-months.
    "conversion_cost_rc": _record("cost", "DIRECT_LABOUR", "ENERGY", "MAINTENANCE", "DEPRECIATION", "OVERHEAD"),
    "copq_rc": _record("cost", "SCRAP", "REWORK", "WARRANTY"), "cogs_rc": _record("cost", "COGS"), "revenue_rc": _record("cost", "REVENUE"),
    "maintenance_cost_rc": _record("cost", "MAINTENANCE"), "rav_days_rc": _record("cost", "REPLACEMENT_ASSET_VALUE"),
    "inventory_days_rc": _record("inventory_snapshot"), "wip_days_rc": _record("inventory_snapshot", "WIP"),
    "due_lines": _record("delivery_line", amount="1"), "otif_lines": _record("delivery_line", "OTIF", amount="1"),
    "energy_kwh": _record("energy", amount="amount", also=" and word <> 'WATER'"),
    "co2_kg": _record("energy", also=" and word <> 'WATER'"), "labour_h": _record("labour_time", amount="amount / 3600"),
}  # fmt: skip
"""Every column that a KPI sums: what it is made of. The catalogue's columns are all here (a test compares)."""
