"""Best demonstrated rates: what units have shown that they can do in an hour, frozen by quarter (specification, section 4.1).

Here: which hours count, the rate that follows from them, what it would change, and the lines of `vocabularies/demonstrated_rates.csv`.
Elsewhere: how it looks (`pipelines.cli_rates`), what a frozen line means (`transforms.statements`), which rate then holds
(`dbt_project/models/intermediate/int_rate.sql`).

An hour counts for a unit, product and tool when the unit ran at least 55 minutes of it, made nothing else in it, and at least 95 % of the
pieces were good. Its pieces have to be known by the hour: a shift total, or the confirmation of an order, says nothing about one hour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connectors import vocabularies
from connectors.errors import ConfigError, LockedError, Problem
from connectors.models import PlantFile
from connectors.portfolio import Portfolio
from connectors.vocabularies import COLUMNS, QUARTER, Row
from pipelines import state, views
from pipelines.lake import Lake
from pipelines.lock import holder
from quality_checks.gold_profiles import BEATEN, product_months_sql
from transforms.statements import DEMONSTRATED, quarter_day, quarter_start

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LEAST_RUN_S = 55 * 60
LEAST_GOOD = 0.95
LEAST_HOURS = 20
QUANTILE = 0.95
"""Of the pieces of an hour: the least of them that 95 % of the hours do not exceed (discrete, so it was really made in an hour)."""
EDGE_S = 300
"""How much run time (or unknown time) before an hour its first count may cover too: as much as the hour may stand still."""
BY_THE_HOUR = ("COUNTER", "MES")
"""Sources of counts that tell when pieces were made. ERP confirmations and manual totals tell when somebody wrote them down."""
NAME = "demonstrated_rates"
READ = (
    "equipment", "material", "uom_conversion", "source_setting", "clock_offset", "source_watermark", "ideal_rate", "rate_basis_rank",
)  # fmt: skip
"""Tables of silver that are looked at, beside counts."""

_HOURS = """
WITH segment AS (
    SELECT equipment_id, time_class, epoch_us(start_ts) AS start_us, epoch_us(end_ts) AS end_us
    FROM build.int.int_time_segment
    WHERE plant_id = $plant AND time_class IN ('APT', 'UNKNOWN') AND production_day BETWEEN $first - 3 AND $last + 3
),

-- How long a unit ran, or may have run, before each stretch of such time.
ran AS (
    SELECT equipment_id, start_us, end_us, sum(end_us - start_us) OVER (PARTITION BY equipment_id ORDER BY start_us) - end_us AS less_us
    FROM segment
),

run AS (
    SELECT equipment_id, hour, sum(least(end_us, $base + (hour + 1) * $hour) - greatest(start_us, $base + hour * $hour)) / 1e6 AS apt_s
    FROM (
        SELECT equipment_id, start_us, end_us, unnest(range((start_us - $base) // $hour, (end_us - 1 - $base) // $hour + 1)) AS hour
        FROM (
            SELECT equipment_id, greatest(start_us, $base) AS start_us, least(end_us, $until) AS end_us
            FROM segment
            WHERE time_class = 'APT'
        ) AS cut
        WHERE end_us > start_us
    ) AS piece
    GROUP BY equipment_id, hour
),

counted AS (
    SELECT
        c.equipment_id, c.material_id, c.tool_code, c.count_source, c.count_id,
        coalesce(l.root_us, epoch_us(c.event_ts) - x.offset_us) AS booked_us, epoch_us(c.start_ts) - x.offset_us AS start_us,
        c.produced_qty IS NULL AND c.good_qty IS NULL AS is_reject,
        coalesce(c.produced_qty, coalesce(c.good_qty, 0) + coalesce(c.scrap_qty, 0) + coalesce(c.rework_qty, 0)) * f.factor AS pq,
        coalesce(c.good_qty, CASE WHEN c.produced_qty IS NULL THEN 0 ELSE c.produced_qty - c.scrap_qty - coalesce(c.rework_qty, 0) END)
        * f.factor AS gq
    FROM production_count AS c
    LEFT JOIN source_setting AS o ON c.plant_id = o.plant_id AND c._source_system = o.source_system
    LEFT JOIN clock_offset AS d
        ON c.plant_id = d.plant_id AND c._source_system = d.source_system AND d.is_applied
        AND make_timestamp(epoch_us(c.event_ts))::DATE = d.day
    CROSS JOIN LATERAL (SELECT round(coalesce(d.offset_s, o.clock_offset_s, 0) * 1e6)::BIGINT AS offset_us) AS x
    LEFT JOIN build.gold.count_link AS l ON l.plant_id = c.plant_id AND l.count_id = c.count_id
    LEFT JOIN uom_conversion AS k ON c.material_id = k.material_id AND c.uom = k.from_uom AND k.is_current AND NOT k.is_deleted
    CROSS JOIN LATERAL (SELECT coalesce(k.to_base_factor, 1)::DOUBLE AS factor) AS f
    WHERE c.plant_id = $plant AND c.is_current AND NOT c.is_deleted
),

-- A count tells what was made since its interval began, or else since the one before it of the same product; it is booked at the end.
chained AS (
    SELECT
        *, coalesce(
            start_us, lag(booked_us) OVER (PARTITION BY equipment_id, material_id, tool_code ORDER BY booked_us, count_id)
        ) AS before_us
    FROM counted
),

made AS (
    SELECT
        equipment_id, (booked_us - 1 - $base) // $hour AS hour, material_id, tool_code,
        -- Rejects that are booked apart may be those of a whole shift: they count against the good ones and not for the speed.
        round(coalesce(sum(pq) FILTER (NOT is_reject), 0), 6) AS pieces, sum(pq) AS pq, sum(gq) AS gq,
        bool_or(gq IS NULL) AS has_unknown_good,
        bool_and(before_us IS NOT NULL AND list_contains($by_the_hour, count_source)) AS is_known, min(before_us) AS from_us
    FROM chained
    WHERE booked_us > $base AND booked_us <= $until
    GROUP BY ALL
),

judged AS (
    SELECT
        m.equipment_id, m.material_id, m.tool_code, m.pieces,
        m.is_known AND m.pieces > 0
        AND coalesce(s.less_us + least(s.end_us, $base + m.hour * $hour), 0) - coalesce(b.less_us + least(b.end_us, m.from_us), 0) <= $edge
            AS is_known,
        count(*) OVER (PARTITION BY m.equipment_id, m.hour) = 1 AS is_alone,
        coalesce(r.apt_s, 0) >= $least_run AS has_run,
        NOT m.has_unknown_good AND m.gq >= $least_good * m.pq AS is_good
    FROM made AS m
    LEFT JOIN run AS r ON m.equipment_id = r.equipment_id AND m.hour = r.hour
    ASOF LEFT JOIN ran AS s ON m.equipment_id = s.equipment_id AND $base + m.hour * $hour >= s.start_us
    ASOF LEFT JOIN ran AS b ON m.equipment_id = b.equipment_id AND m.from_us >= b.start_us
)

SELECT
    e.equipment_code, t.local_material_no, h.tool_code, h.equipment_id, h.material_id,
    count(*) FILTER (h.is_known AND h.is_alone AND h.has_run AND h.is_good) AS hours,
    quantile_disc(h.pieces, $quantile) FILTER (h.is_known AND h.is_alone AND h.has_run AND h.is_good) AS pieces,
    count(*) FILTER (h.is_known) AS known_hours, count(*) FILTER (h.is_known AND h.is_alone) AS alone_hours,
    count(*) FILTER (h.is_known AND h.is_alone AND h.has_run) AS run_hours
FROM judged AS h
INNER JOIN equipment AS e ON h.equipment_id = e.equipment_id AND e.is_current AND NOT e.is_deleted AND e.is_kpi_unit
LEFT JOIN material AS t ON h.material_id = t.material_id AND t.is_current AND NOT t.is_deleted
GROUP BY ALL
ORDER BY ALL
"""
"""One row per unit, product and tool of a plant that was made in the window, with its hours."""

_IN_FORCE = """
SELECT rate_basis, pri_s, equipment_id IS NOT NULL AND material_id IS NOT NULL AND coalesce(tool_code, '') = $tool AS is_own, provenance
FROM ideal_rate
WHERE plant_id = $plant AND is_current AND NOT is_deleted AND coalesce(equipment_id, $unit) = $unit
    AND coalesce(material_id, $material) = $material AND coalesce(tool_code, $tool) = $tool
    AND valid_from <= $at AND (valid_to IS NULL OR valid_to > $at)
ORDER BY (equipment_id IS NULL)::INT + (material_id IS NULL)::INT + (tool_code IS NULL)::INT, tool_code IS NULL, material_id IS NULL,
    valid_from DESC, ideal_rate_id
"""
"""The rates that fit a unit, product and tool at an instant, the most specific first."""


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """What one unit has shown with one product and tool before a quarter, beside what is in force. Rates are seconds a piece."""

    plant: str
    equipment: str
    material: str | None
    tool: str | None
    quarter: str
    hours: int
    pieces_per_hour: float | None
    pri_s: float | None
    """The rate that follows; None with fewer than `LEAST_HOURS` hours."""
    frozen_before_s: float | None
    """The frozen rate that held until this quarter."""
    engineered_s: float | None
    erp_standard_s: float | None
    in_force_s: float | None
    """What holds in the quarter when nothing is frozen for it."""
    in_force_basis: str | None
    factor: float | None
    """What OEE and E are multiplied by when the rate is frozen: the demonstrated rate over the one in force (golden case GC41)."""
    action: str
    """FREEZE, END (an earlier frozen rate, of which too few hours are left), FROZEN (already), STATED (by somebody else), NONE."""
    why: str | None
    """Why there is no rate."""


@dataclass(frozen=True, slots=True)
class Review:
    """A unit and product that beat its ideal rate for a month."""

    plant: str
    equipment: str
    material: str
    month: date
    e: float
    pri_s: float
    """The ideal time a piece that the month was valued with."""
    basis: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be known before a quarter is frozen."""

    quarter: str
    window_from: date
    window_to: date
    """The last day of the window."""
    rates: list[Demonstrated]
    reviews: list[Review]
    frozen: list[str]
    """Plants that have lines of the quarter."""
    too_early: dict[str, datetime | None]
    """Plants whose data does not reach the quarter, with how far it goes: their window is not complete."""
    release_id: int


@contextmanager
def _opened(lake: Lake) -> Iterator[DuckDBPyConnection]:
    """A connection of its own with the build database beside it, read-only. Raises LockedError while a refresh has it open."""
    import duckdb

    if not lake.build_database.exists():
        raise ConfigError(Problem(f"Nothing is built yet: {lake.build_database} does not exist.", fix="run `plantlake refresh`"))
    with closing(duckdb.connect()) as con:
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        try:
            con.execute(f"ATTACH {views.quoted(lake.build_database)} AS build (READ_ONLY)")
        except duckdb.IOException as error:
            writer = holder(lake.ledger)
            raise LockedError(
                Problem("The build database is in use.", found=str(writer) if writer else str(error)[:200],
                        fix="wait until the refresh has ended", actor="retry")
            ) from error  # fmt: skip
        yield con


def find(portfolio: Portfolio, lake: Lake, quarter: str | None = None, *, again: bool = False) -> Found:
    """Demonstrated rates of all plants of the portfolio before a quarter (None: that of the newest data).

    `again` treats the quarter as if nothing were frozen for it yet. Raises ConfigError for what is no quarter.
    """
    if quarter is not None and not QUARTER.fullmatch(quarter):
        raise ConfigError(Problem(f"'{quarter}' is no quarter.", found=f"--quarter {quarter}", fix="--quarter 2026-Q4"))
    with _opened(lake) as con:
        for table in READ:
            _view(con, lake, table)
        told = dict(con.execute("SELECT plant_id, max(data_to) FROM source_watermark GROUP BY plant_id").fetchall())
        newest = max((moment for moment in told.values() if moment is not None), default=None)
        if newest is None:
            raise ConfigError(Problem("No plant has any data yet.", fix="run `plantlake refresh`"))
        quarter = quarter or quarter_of(newest.date())
        first = quarter_day(quarter)
        found = Found(quarter, first.replace(year=first.year - 1), first - timedelta(days=1), [], [], [], {}, _release(con))
        for plant_id, plant in sorted(portfolio.plants.items()):
            lines = portfolio.vocabularies.rows(NAME, plant_id)
            is_frozen = any(row["quarter"] == quarter for row in lines)
            if is_frozen:
                found.frozen.append(plant_id)
            if told.get(plant_id) is None or told[plant_id] < quarter_start(plant, quarter):
                found.too_early[plant_id] = told.get(plant_id)
            found.rates.extend(_of_plant(con, lake, plant, lines, found, is_open=again or not is_frozen))
        found.reviews.extend(_reviews(con, list(portfolio.plants), first))
        return found


def quarter_of(day: date) -> str:
    """The quarter that a day is in.

    >>> quarter_of(date(2026, 11, 21))
    '2026-Q4'
    """
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _release(con: DuckDBPyConnection) -> int:
    row = con.execute("SELECT coalesce(max(release_id), 0) FROM build.gold.release").fetchone()
    return int(row[0]) if row else 0


def _view(con: DuckDBPyConnection, lake: Lake, table: str, plant: str | None = None, since: str = "") -> None:
    """A table of silver as it is now; of one plant, only the months from `since` on."""
    files = views.files(lake, table)
    rows = [] if files is None else files.select("path", "plant_id", "month").rows()
    paths = [path for path, of, month in rows if (of is None or plant in (None, of)) and (month is None or month >= since)]
    con.execute(views.view_sql(table, paths, name=table))


def _of_plant(
    con: DuckDBPyConnection, lake: Lake, plant: PlantFile, lines: Sequence[Row], found: Found, *, is_open: bool
) -> Iterator[Demonstrated]:  # fmt: skip
    base, until = quarter_start(plant, quarter_of(found.window_from)), quarter_start(plant, found.quarter)
    # Corrections of the window's documents may come long after it; those before it never belong to it.
    _view(con, lake, "production_count", plant.plant, f"{base - timedelta(days=1):%Y-%m}")
    rows = con.execute(
        _HOURS,
        {
            "plant": plant.plant, "base": _us(base), "until": _us(until), "first": found.window_from, "last": found.window_to,
            "hour": 3_600_000_000, "edge": EDGE_S * 1_000_000, "least_run": LEAST_RUN_S, "least_good": LEAST_GOOD, "quantile": QUANTILE,
            "by_the_hour": list(BY_THE_HOUR),
        },
    ).fetchall()  # fmt: skip
    ranks = con.execute("SELECT rate_basis FROM rate_basis_rank WHERE plant_id = ? ORDER BY rank", [plant.plant]).fetchall()
    order = [basis for (basis,) in ranks]
    seen = set()
    for equipment, material, tool, equipment_id, material_id, hours, pieces, *stages in rows:
        key = (equipment, material or "", tool or "")
        seen.add(key)
        why = _why(material, hours, *stages)
        pri_s = None if why else round(3600 / float(pieces), 9)
        at = {"plant": plant.plant, "unit": equipment_id, "material": material_id or "", "tool": tool or "", "at": until}
        fitting = con.execute(_IN_FORCE, at).fetchall()
        yield _beside(plant.plant, key, found.quarter, hours, pri_s, why, fitting, order, lines, is_open=is_open)
    for key in sorted({(row["equipment"], row["material"], row["tool"]) for row in lines} - seen):
        why = "nothing was made of it in the window"
        yield _beside(plant.plant, key, found.quarter, 0, None, why, [], order, lines, is_open=is_open)


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _why(material: str | None, hours: int, known: int, alone: int, run: int) -> str | None:
    """Why there is no demonstrated rate."""
    if material is None:
        return "counts name no product"
    if hours >= LEAST_HOURS:
        return None
    if not known:
        return "pieces are not known by the hour"
    if not alone:
        return "never made alone for an hour"
    if not run:
        return f"no hour with {LEAST_RUN_S // 60} min of run time"
    return f"fewer than {LEAST_HOURS} hours"


def _beside(
    plant: str, key: tuple[str, str, str], quarter: str, hours: int, pri_s: float | None, why: str | None,
    fitting: Sequence[tuple[str, float, bool, str]], order: Sequence[str], lines: Sequence[Row], *, is_open: bool,
) -> Demonstrated:  # fmt: skip
    """A demonstrated rate beside those that fit, and what is to be done with it."""
    of_key = {row["quarter"]: row for row in lines if (row["equipment"], row["material"], row["tool"]) == key}
    earlier = [name for name in of_key if name < quarter]
    before = _number(of_key[max(earlier)]["pri_s"]) if earlier else None
    others = [rate for rate in fitting if not rate[3].startswith(DEMONSTRATED)]
    by_basis: dict[str, float] = {}
    for basis, value, *_ in others:
        by_basis.setdefault(basis, value)
    if before is not None:
        by_basis["BEST_DEMONSTRATED"] = before
    in_force_basis = next((name for name in order if name in by_basis), None)
    in_force = by_basis[in_force_basis] if in_force_basis else None
    if not is_open:
        action = "FROZEN" if quarter in of_key else "NONE"
    elif pri_s is not None:
        is_stated = any(name == "BEST_DEMONSTRATED" and is_own for name, _, is_own, _ in others)
        action = "STATED" if is_stated else "FREEZE"
    else:
        action = "END" if before is not None else "NONE"
    return Demonstrated(
        plant, key[0], key[1] or None, key[2] or None, quarter, hours, 3600 / pri_s if pri_s else None, pri_s, before,
        by_basis.get("ENGINEERED"), by_basis.get("ERP_STANDARD"), in_force, in_force_basis,
        pri_s / in_force if pri_s and in_force else None, action, why,
    )  # fmt: skip


def _number(text: str) -> float | None:
    return float(text) if text else None


def _reviews(con: DuckDBPyConnection, plants: Collection[str], first: date) -> list[Review]:
    """Months since the quarter before that a unit beat its ideal rate in."""
    since = (first - timedelta(days=80)).replace(day=1)
    rows = con.execute(
        f"""WITH part AS (
            SELECT * FROM build.gold.parts WHERE valid_to_release IS NULL AND production_day >= ? AND plant_id IN ({views.listed(plants)})),
        product_month AS ({product_months_sql("part")})
        SELECT m.plant_id, e.equipment_code, t.local_material_no, m.month, m.e, m.pri_s, m.rate_basis
        FROM product_month AS m
        INNER JOIN equipment AS e ON m.equipment_id = e.equipment_id AND e.is_current AND NOT e.is_deleted
        LEFT JOIN material AS t ON m.material_key = t.material_id AND t.is_current AND NOT t.is_deleted
        WHERE m.e > {BEATEN} ORDER BY ALL""",
        [since],
    ).fetchall()
    return [Review(plant, unit, material or "?", month, e, pri_s, basis) for plant, unit, material, month, e, pri_s, basis in rows]


def freeze(root: Path, found: Found, plants: Collection[str]) -> tuple[Path, int]:
    """Writes the lines of the quarter of these plants; returns the file and how many. Other lines stay as they are."""
    path = root / "vocabularies" / f"{NAME}.csv"
    columns = COLUMNS[NAME]
    _, lines = vocabularies.lines_of(path)
    standing = [row for row in lines if (row["plant"] not in plants) or row["quarter"] != found.quarter]
    about = {
        "window_from": found.window_from, "window_to": found.window_to, "quantile": QUANTILE, "release_id": found.release_id,
        "frozen_on": datetime.now(UTC).date(), "calc_version": state.calc_version(),
    }  # fmt: skip
    new = [{**asdict(rate), **about} for rate in found.rates if rate.plant in plants and rate.action in ("FREEZE", "END")]
    rows = [{name: "" if row.get(name) is None else str(row[name]) for name in columns} for row in (*standing, *new)]
    rows.sort(key=lambda row: [row[name] for name in ("plant", "quarter", "equipment", "material", "tool")])
    vocabularies.write(path, columns, rows)
    return path, len(new)
