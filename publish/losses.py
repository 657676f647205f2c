"""Where planned time goes and what it is worth: table macros over the published parts (specification, sections 3.4, 4.4 and 4.5).

Here: the loss waterfall, the six big losses, stops by reason, the value of an OEE point. Elsewhere: why two plants differ
(`publish.comparison`), the parts (`dbt_project/models/marts/candidate_parts_reason.sql`), how losses look (`publish.loss_tables`).

Every unit and shift that OEE is made of takes part, and no other: planned time less good time is the sum of the losses, exactly, and good
time over planned time is OEE. Seconds are decimals until they are shares. What is not known is a bucket of its own or NULL, never 0.
A scope of '*' asks for every scope at once.
"""

from __future__ import annotations

UNTIL = """CAST(starting + CASE kind WHEN 'WEEK' THEN INTERVAL 7 DAY WHEN 'MONTH' THEN INTERVAL 1 MONTH WHEN 'QUARTER' THEN INTERVAL 3 MONTH
        ELSE INTERVAL 1 DAY END AS DATE)"""
IN_PERIOD = f"production_day >= starting AND production_day < {UNTIL}"
MONTHS_OF_PERIOD = (
    f"production_day >= date_trunc('month', starting) AND production_day < date_trunc('month', {UNTIL} - 1) + INTERVAL 1 MONTH"
)

BUCKETS: tuple[tuple[str, str, str, str], ...] = (
    ("CT", "LEVEL", "Calendar time", "ct_s"),
    ("NOT_SCHEDULED", "OUT", "Not scheduled", "ct_s - pot_s"),
    ("POT", "LEVEL", "Planned operation time", "pot_s"),
    ("PLANNED_BREAK", "OUT", "Planned breaks", "planned_break_s"),
    ("PLANNED_MAINT", "OUT", "Planned maintenance", "planned_maint_s"),
    ("PLANNED_NO_DEMAND", "OUT", "Planned: no demand", "planned_no_demand_s"),
    ("PLANNED_OTHER", "OUT", "Planned: other", "planned_other_s"),
    ("PBT", "LEVEL", "Planned busy time", "pbt_s"),
    ("ADET_EQ", "LOSS", "Equipment stops", ""),
    ("ADET_ORG", "LOSS", "Organisational stops", ""),
    ("AUST", "LOSS", "Setup and adjustment", "CASE WHEN is_split THEN aust_s END"),
    ("ADOT", "LOSS", "No order", "CASE WHEN is_split THEN adot_s END"),
    ("MICRO", "LOSS", "Minor stops", "CASE WHEN is_split THEN micro_s END"),
    ("UNKNOWN", "LOSS", "Unknown time", "CASE WHEN is_split THEN unknown_s END"),
    ("SPEED", "LOSS", "Reduced speed", "CASE WHEN is_split THEN apt_s - ideal_pq_s END"),
    ("UNSPLIT", "LOSS", "Stops and speed (no states)", "CASE WHEN NOT is_split THEN pbt_s - ideal_pq_s END"),
    ("START_UP", "LOSS", "Start-up rejects", ""),
    ("REJECTS", "LOSS", "Production rejects and rework", ""),
    ("GOOD", "LEVEL", "Good time", "ideal_gq_s"),
)
"""Bucket, whether time is left (LEVEL), planned out (OUT) or lost (LOSS), name, seconds of a unit's shift; from calendar to good time."""

CAUSES: tuple[tuple[str, bool, str, tuple[str, ...]], ...] = (
    ("BREAKDOWN", True, "1 Breakdowns", ()),
    ("SETUP", True, "2 Setup and adjustment", ("AUST",)),
    ("MINOR", True, "3 Idling and minor stops", ("MICRO",)),
    ("SPEED", True, "4 Reduced speed", ("SPEED",)),
    ("START_UP", True, "5 Start-up losses", ("START_UP",)),
    ("REJECTS", True, "6 Defects and rework", ("REJECTS",)),
    ("ORGANISATION", False, "External and organisational stops", ()),
    ("NO_ORDER", False, "No order", ("ADOT",)),
    ("UNASSIGNED", False, "Stops without an approved reason", ()),
    ("UNKNOWN", False, "Unknown time", ("UNKNOWN",)),
    ("UNSPLIT", False, "Stops and speed (no states)", ("UNSPLIT",)),
)
"""Cause, whether it is one of the six big losses, name, the buckets that are wholly it; stops go by their reason."""
WITHHELD = ("SPEED", "UNSPLIT", "START_UP", "REJECTS", "GOOD")
"""Buckets that need ideal rates: where these cover too little they are not given, as OEE is not."""

_CAUSE_OF_BUCKET = " ".join(f"WHEN '{bucket}' THEN '{cause}'" for cause, _, _, buckets in CAUSES for bucket in buckets)
_SUMMED = {bucket: f"of_{bucket.lower()}" for bucket, _, _, sql in BUCKETS if sql}
_SUMS = ",\n        ".join(f"sum({sql}) AS {_SUMMED[bucket]}" for bucket, _, _, sql in BUCKETS if sql)
_STRUCTS = ",\n        ".join(f"{{'bucket': '{bucket}', 'seconds': {column}}}" for bucket, column in _SUMMED.items())

LOSS_UNIT = f"""
CREATE MACRO loss_unit(kind, starting, profile) AS TABLE
WITH shift AS (
    SELECT s.plant_id, s.equipment_id, s.shift_instance_id, CASE WHEN kind = 'SHIFT' THEN s.shift_code END AS shift_code, b.month,
        s.ct_s, s.pot_s, s.planned_break_s, s.planned_maint_s, s.planned_no_demand_s, s.planned_other_s, s.pbt_s, s.apt_s, s.aust_s,
        s.micro_s, s.adot_s, s.unknown_s, s.rate_base_s, s.rate_known_s,
        coalesce(s.ideal_pq_s, 0) AS ideal_pq_s, coalesce(s.ideal_gq_s, 0) AS ideal_gq_s,
        s.apt_s IS NOT NULL AND s.adet_eq_s IS NOT NULL AS is_split
    FROM mart_kpi_unit_shift AS s
    INNER JOIN mart_kpi_unit_month AS b
        ON s.plant_id = b.plant_id AND s.equipment_id = b.equipment_id AND date_trunc('month', s.production_day) = b.month
    WHERE s.{IN_PERIOD} AND s.pbt_s IS NOT NULL AND s.unknown_good_counts = 0
        AND b.books_output = 1 AND b.books_rated = 1 AND b.books_good = 1
),
reason AS (
    SELECT s.plant_id, s.equipment_id, s.shift_code, s.month, r.time_class AS bucket,
        CASE
            -- As the ledger counts failures: a stop of the equipment of which nobody says anything else is a breakdown.
            WHEN r.reason_code = 'U-UNC' AND r.time_class = 'ADET_EQ' AND r.source_reason_code = '~' THEN 'BREAKDOWN'
            WHEN r.reason_code = 'U-UNC' THEN 'UNASSIGNED'
            WHEN starts_with(d.six_big_loss, '1') THEN 'BREAKDOWN'
            WHEN starts_with(d.six_big_loss, '2') THEN 'SETUP'
            WHEN starts_with(d.six_big_loss, '3') AND (profile = 'TPM' OR NOT contains(d.six_big_loss, 'external')) THEN 'MINOR'
            ELSE 'ORGANISATION'
        END AS cause,
        r.seconds
    FROM mart_kpi_parts_reason AS r
    INNER JOIN shift AS s ON r.equipment_id = s.equipment_id AND r.shift_instance_id = s.shift_instance_id AND s.is_split
    LEFT JOIN downtime_reason AS d ON r.reason_code = d.reason_code
    WHERE r.valid_to_release IS NULL AND r.time_class IN ('ADET_EQ', 'ADET_ORG') AND r.{IN_PERIOD}
),
-- Of a unit whose scrap records say in a month which rejects are start-up rejects, the others are none.
telling AS (
    SELECT DISTINCT equipment_id, CAST(date_trunc('month', production_day) AS DATE) AS month FROM mart_kpi_parts_reason
    WHERE valid_to_release IS NULL AND time_class = 'QUALITY' AND {MONTHS_OF_PERIOD}
),
quality AS (
    SELECT s.plant_id, s.equipment_id, s.shift_code, s.month, s.ideal_pq_s - s.ideal_gq_s AS seconds,
        CASE WHEN t.equipment_id IS NOT NULL THEN coalesce(r.seconds, 0) END AS start_up_s
    FROM shift AS s
    LEFT JOIN telling AS t ON s.equipment_id = t.equipment_id AND s.month = t.month
    LEFT JOIN mart_kpi_parts_reason AS r
        ON r.equipment_id = s.equipment_id AND r.shift_instance_id = s.shift_instance_id AND r.valid_to_release IS NULL
        AND r.time_class = 'QUALITY' AND r.{IN_PERIOD}
),
-- Summed before it is unfolded: a unit has many shifts, and each would become a row a bucket.
level AS (
    SELECT plant_id, equipment_id, shift_code, month, bool_or(is_split) AS is_split,
        sum(rate_base_s) AS rate_base_s, sum(rate_known_s) AS rate_known_s,
        {_SUMS}
    FROM shift GROUP BY plant_id, equipment_id, shift_code, month
),
told AS (
    SELECT plant_id, equipment_id, shift_code, month, unnest([
        {_STRUCTS},
        {{'bucket': 'ADET_EQ', 'seconds': CASE WHEN is_split THEN 0 END}},
        {{'bucket': 'ADET_ORG', 'seconds': CASE WHEN is_split THEN 0 END}},
        {{'bucket': 'RATE_BASE', 'seconds': rate_base_s}}, {{'bucket': 'RATE_KNOWN', 'seconds': rate_known_s}}
    ], recursive := true)
    FROM level
),
every AS (
    SELECT plant_id, equipment_id, shift_code, month, bucket, CASE bucket {_CAUSE_OF_BUCKET} END AS cause, seconds FROM told
    UNION ALL SELECT * FROM reason
    UNION ALL SELECT plant_id, equipment_id, shift_code, month, 'START_UP', 'START_UP', start_up_s FROM quality
    UNION ALL SELECT plant_id, equipment_id, shift_code, month, 'REJECTS', 'REJECTS', seconds - coalesce(start_up_s, 0) FROM quality
)
SELECT plant_id, equipment_id, shift_code, month, bucket, cause, sum(seconds) AS seconds
FROM every GROUP BY plant_id, equipment_id, shift_code, month, bucket, cause
"""
"""One row per unit, month, bucket and cause: what the other macros sum."""

LOSS_VALUE = f"""
CREATE MACRO loss_value(kind, starting, rates) AS TABLE
WITH made AS (
    SELECT plant_id, equipment_id, CAST(date_trunc('month', production_day) AS DATE) AS month,
        CAST(sum(ideal_gq_s) AS DOUBLE) / nullif(CAST(sum(gq) AS DOUBLE), 0) AS pri_s
    FROM (SELECT * FROM mart_kpi_parts_shift WHERE valid_to_release IS NULL AND {MONTHS_OF_PERIOD}) AS p
    GROUP BY ALL
),
priced AS (
    SELECT m.*, e.* EXCLUDE (plant_id, equipment_id), p.reporting_currency,
        -- A station counts through its line: only what the plant file calls the constraint could sell another hour.
        coalesce(q.in_rollup, true) OR coalesce(l.is_constraint_default, false) AS is_constraint,
        CASE WHEN e.currency = p.reporting_currency THEN 1 ELSE CAST(f.rate AS DOUBLE) END AS fx
    FROM made AS m
    INNER JOIN plant AS p ON m.plant_id = p.plant_id
    LEFT JOIN economics AS e
        ON m.plant_id = e.plant_id AND e.equipment_id IN (m.equipment_id, '*')
        AND coalesce(e.valid_from, DATE '0001-01-01') <= greatest(m.month, starting)
        AND greatest(m.month, starting) < coalesce(e.valid_to, DATE '9999-12-31')
    LEFT JOIN equipment AS q ON m.equipment_id = q.equipment_id
    LEFT JOIN (SELECT equipment_id, bool_or(is_constraint_default) AS is_constraint_default FROM line_station GROUP BY ALL) AS l
        ON m.equipment_id = l.equipment_id
    LEFT JOIN fx_rate AS f
        ON f.from_ccy = e.currency AND f.to_ccy = p.reporting_currency AND f.period = m.month AND f.rate_type = rates
    QUALIFY row_number() OVER (PARTITION BY m.equipment_id, m.month ORDER BY e.equipment_id = '*', e.valid_from DESC NULLS LAST) = 1
)
SELECT plant_id, equipment_id, month, regime, currency, reporting_currency, fx, is_constraint, contribution_per_unit, avoidable_cost_per_h,
    material_cost_per_unit, pri_s,
    CASE
        WHEN regime = 'DEMAND' THEN avoidable_cost_per_h / 3600
        WHEN regime = 'CAPACITY' AND NOT is_constraint THEN 0
        WHEN regime = 'CAPACITY' THEN contribution_per_unit / pri_s
    END * fx AS value_per_s,
    material_cost_per_unit / pri_s * fx AS material_per_s,
    CASE
        WHEN regime IS NULL THEN 'NO_ECONOMICS'
        WHEN fx IS NULL THEN 'NO_FX'
        WHEN regime = 'CAPACITY' AND is_constraint AND contribution_per_unit IS NULL THEN 'NO_CONTRIBUTION'
        WHEN regime = 'CAPACITY' AND is_constraint AND pri_s IS NULL THEN 'NO_GOOD_UNITS'
        WHEN regime = 'DEMAND' AND avoidable_cost_per_h IS NULL THEN 'NO_AVOIDABLE_COST'
    END AS why
FROM priced
"""
"""One row per unit and month of the period: what a second of it is worth, in the reporting currency, or why nobody can say."""

_IN_SCOPE = """
    SELECT x.scope_type, x.scope_id, x.scope_name, u.shift_code, u.{key}, sum(u.seconds) AS seconds,
        max(x.min_rate_coverage) AS min_rate_coverage,
        sum(CAST(u.seconds AS DOUBLE) * v.value_per_s) + sum(CASE
            WHEN v.value_per_s IS NOT NULL AND u.bucket IN ('START_UP', 'REJECTS') THEN u.seconds * coalesce(v.material_per_s, 0) ELSE 0
        END) AS money,
        sum(CASE WHEN v.value_per_s IS NOT NULL THEN abs(u.seconds) ELSE 0 END) AS valued_s, sum(abs(u.seconds)) AS weight_s,
        max(v.reporting_currency) AS currency,
        coalesce(arg_max(v.why, abs(u.seconds)) FILTER (v.why IS NOT NULL AND u.seconds <> 0),
            max(CASE WHEN u.bucket IN ('START_UP', 'REJECTS') AND u.seconds <> 0 AND v.material_per_s IS NULL THEN 'NO_MATERIAL_COST' END)
        ) AS no_money
    FROM loss_unit(kind, starting, profile) AS u
    INNER JOIN unit_scope AS x ON u.equipment_id = x.unit_id AND of_scope IN ('*', x.scope_type)
    LEFT JOIN loss_value(kind, starting, rates) AS v ON u.equipment_id = v.equipment_id AND u.month = v.month
    GROUP BY x.scope_type, x.scope_id, x.scope_name, u.shift_code, u.{key}
"""

_OF_SCOPE = """
    SELECT scope_type, scope_id, max(scope_name) AS scope_name, shift_code, sum(CASE WHEN bucket = 'PBT' THEN seconds END) AS pbt_s,
        max(CASE WHEN bucket = 'ADET_EQ' AND seconds IS NOT NULL THEN 0 END) AS if_split,
        coalesce(
            sum(CASE WHEN bucket = 'RATE_KNOWN' THEN seconds END)
            < max(min_rate_coverage) * sum(CASE WHEN bucket = 'RATE_BASE' THEN seconds END), false
        ) AS is_withheld
    FROM {source} GROUP BY scope_type, scope_id, shift_code
"""


def _columns(key: str, is_loss: str, seconds: str = "b.seconds") -> str:
    """Seconds, share of planned busy time, and money of what is lost."""
    said, money = _said(f"k.{key}", seconds), _said(f"k.{key}", "b.money")
    return f"""{said} AS seconds, CAST({said} AS DOUBLE) / nullif(CAST(s.pbt_s AS DOUBLE), 0) AS share,
    CASE WHEN {is_loss} THEN {money} END AS money, CASE WHEN {is_loss} THEN b.currency END AS currency,
    CASE WHEN {is_loss} THEN CAST(b.valued_s AS DOUBLE) / nullif(CAST(b.weight_s AS DOUBLE), 0) END AS valued,
    CASE
        WHEN {_is_withheld(f"k.{key}")} THEN 'RATE_PARTIAL'
        WHEN {seconds} IS NULL AND k.{key} = 'START_UP' THEN 'NO_START_UP_REJECTS'
        WHEN {seconds} IS NULL THEN CASE WHEN k.{key} = 'UNSPLIT' THEN 'ALL_SPLIT' ELSE 'NO_STATES' END
        WHEN {is_loss} THEN b.no_money
    END AS why"""


def _is_withheld(key: str) -> str:
    return f"{key} IN ({', '.join(repr(name) for name in WITHHELD)}) AND s.is_withheld"


def _said(key: str, value: str) -> str:
    return f"CASE WHEN NOT ({_is_withheld(key)}) THEN {value} END"


def _values(rows: list[str]) -> str:
    return ",\n        ".join(rows)


LOSS_WATERFALL = f"""
CREATE MACRO loss_waterfall(of_scope, kind, starting, profile := 'ISO', rates := 'AVG') AS TABLE
WITH bucket AS (SELECT * FROM (VALUES
        {_values([f"({n}, '{bucket}', '{what}', '{name}')" for n, (bucket, what, name, _) in enumerate(BUCKETS, start=1)])}
    ) AS v (step, bucket, what, name)),
summed AS ({_IN_SCOPE.format(key="bucket")}),
scope AS ({_OF_SCOPE.format(source="summed")})
SELECT b.scope_type, b.scope_id, b.scope_name, b.shift_code, k.step, k.bucket, k.name, k.what,
    {_columns("bucket", "k.what = 'LOSS'")}
FROM summed AS b
INNER JOIN bucket AS k ON b.bucket = k.bucket
INNER JOIN scope AS s ON b.scope_type = s.scope_type AND b.scope_id = s.scope_id
    AND b.shift_code IS NOT DISTINCT FROM s.shift_code
ORDER BY b.scope_type, b.scope_id, b.shift_code, k.step
"""

SIX_BIG_LOSSES = f"""
CREATE MACRO six_big_losses(of_scope, kind, starting, profile := 'ISO', rates := 'AVG') AS TABLE
WITH cause AS (SELECT * FROM (VALUES
        {_values([f"({n}, '{cause}', {six}, {not of}, '{name}')" for n, (cause, six, name, of) in enumerate(CAUSES, start=1)])}
    ) AS v (step, cause, is_six, is_by_reason, name)),
unit AS MATERIALIZED (SELECT * FROM loss_unit(kind, starting, profile)),
level AS (
    SELECT x.scope_type, x.scope_id, max(x.scope_name) AS scope_name, u.shift_code, u.bucket, sum(u.seconds) AS seconds,
        max(x.min_rate_coverage) AS min_rate_coverage
    FROM unit AS u INNER JOIN unit_scope AS x ON u.equipment_id = x.unit_id AND of_scope IN ('*', x.scope_type)
    GROUP BY x.scope_type, x.scope_id, u.shift_code, u.bucket
),
summed AS ({_IN_SCOPE.format(key="cause").replace("loss_unit(kind, starting, profile) AS u", "unit AS u")}),
scope AS ({_OF_SCOPE.format(source="level")})
SELECT s.scope_type, s.scope_id, s.scope_name, s.shift_code, k.step, k.cause, k.name, k.is_six,
    {_columns("cause", "true", "coalesce(b.seconds, CASE WHEN k.is_by_reason THEN s.if_split END)")}
FROM scope AS s
CROSS JOIN cause AS k
-- Where stops are told by reason, a cause that no stop has is no loss; where they are not, nobody knows.
LEFT JOIN summed AS b ON b.cause = k.cause AND b.scope_type = s.scope_type AND b.scope_id = s.scope_id
    AND b.shift_code IS NOT DISTINCT FROM s.shift_code
ORDER BY s.scope_type, s.scope_id, s.shift_code, k.step
"""

LOSS_REASONS = f"""
CREATE MACRO loss_reasons(of_scope, kind, starting) AS TABLE
WITH reason AS (
    SELECT r.equipment_id, CASE WHEN kind = 'SHIFT' THEN r.shift_code END AS shift_code, r.reason_code, d.reason_name, d.six_big_loss,
        -- A code is a plant's own: what is not mapped is told by it.
        CASE WHEN r.source_reason_code <> '~' THEN r.plant_id END AS of_plant,
        CASE WHEN r.reason_code = 'U-UNC' THEN r.time_class END AS time_class,
        nullif(r.source_system, '~') AS source_system, nullif(r.source_reason_code, '~') AS source_reason_code,
        false AS is_planned, r.seconds, CASE WHEN r.time_class = 'MICRO' THEN r.seconds ELSE 0 END AS micro_s, r.stops, r.failures
    FROM mart_kpi_parts_reason AS r
    LEFT JOIN downtime_reason AS d ON r.reason_code = d.reason_code
    WHERE r.valid_to_release IS NULL AND r.time_class <> 'QUALITY' AND r.{IN_PERIOD}
),
other AS (
    SELECT equipment_id, CASE WHEN kind = 'SHIFT' THEN shift_code END AS shift_code, unnest([
        {{'reason_code': 'PLANNED_BREAK', 'reason_name': 'Planned breaks', 'is_planned': true, 'seconds': planned_break_s}},
        {{'reason_code': 'PLANNED_MAINT', 'reason_name': 'Planned maintenance', 'is_planned': true, 'seconds': planned_maint_s}},
        {{'reason_code': 'PLANNED_NO_DEMAND', 'reason_name': 'No demand, as planned', 'is_planned': true, 'seconds': planned_no_demand_s}},
        {{'reason_code': 'PLANNED_OTHER', 'reason_name': 'Meetings, training, trials', 'is_planned': true, 'seconds': planned_other_s}},
        {{'reason_code': 'U-GAP', 'reason_name': 'No data', 'is_planned': false, 'seconds': unknown_s}}
    ], recursive := true)
    FROM mart_kpi_unit_shift WHERE {IN_PERIOD}
),
every AS (
    SELECT * FROM reason
    UNION ALL BY NAME
    SELECT *, CASE WHEN reason_code = 'U-GAP' THEN 'unassigned' END AS six_big_loss, 0 AS micro_s FROM other WHERE seconds > 0
),
summed AS (
    SELECT x.scope_type, x.scope_id, max(x.scope_name) AS scope_name, e.shift_code, e.is_planned, e.reason_code,
        e.reason_name, e.six_big_loss,
        e.time_class,
        e.of_plant AS plant_id, e.source_system, e.source_reason_code, sum(e.seconds) AS seconds, sum(e.micro_s) AS micro_s,
        CAST(sum(e.stops) AS BIGINT) AS stops, CAST(sum(e.failures) AS BIGINT) AS failures
    FROM every AS e INNER JOIN unit_scope AS x ON e.equipment_id = x.unit_id AND of_scope IN ('*', x.scope_type)
    GROUP BY x.scope_type, x.scope_id, e.shift_code, e.is_planned, e.reason_code, e.reason_name, e.six_big_loss, e.time_class, e.of_plant,
        e.source_system, e.source_reason_code
)
SELECT *, CAST(seconds AS DOUBLE) / nullif(CAST(sum(seconds) OVER of_kind AS DOUBLE), 0) AS share,
    CAST(sum(seconds) OVER in_order AS DOUBLE) / nullif(CAST(sum(seconds) OVER of_kind AS DOUBLE), 0) AS cumulative
FROM summed
WINDOW of_kind AS (PARTITION BY scope_type, scope_id, shift_code, is_planned),
    in_order AS (PARTITION BY scope_type, scope_id, shift_code, is_planned
        ORDER BY seconds DESC, reason_code, time_class, plant_id, source_system, source_reason_code ROWS UNBOUNDED PRECEDING)
ORDER BY scope_type, scope_id, shift_code, is_planned, seconds DESC, reason_code, time_class, plant_id, source_system, source_reason_code
"""

OEE_POINT_VALUE = """
CREATE MACRO oee_point_value(of_scope, kind, starting, rates := 'AVG') AS TABLE
WITH unit AS (
    SELECT plant_id, equipment_id, month, sum(CASE WHEN bucket = 'PBT' THEN seconds END) AS pbt_s,
        sum(CASE WHEN bucket = 'GOOD' THEN seconds END) AS good_s
    FROM loss_unit(kind, starting, 'ISO') WHERE bucket IN ('PBT', 'GOOD') GROUP BY plant_id, equipment_id, month
),
valued AS (
    SELECT x.scope_id, x.scope_name, u.plant_id, u.month, v.* EXCLUDE (plant_id, equipment_id, month), CAST(u.pbt_s AS DOUBLE) AS pbt_s,
        CAST(u.good_s AS DOUBLE) AS good_s, CAST(u.good_s AS DOUBLE) / nullif(v.pri_s, 0) AS pieces
    FROM unit AS u
    INNER JOIN unit_scope AS x ON u.equipment_id = x.unit_id AND x.scope_type = of_scope
    LEFT JOIN loss_value(kind, starting, rates) AS v ON u.equipment_id = v.equipment_id AND u.month = v.month
),
-- A plant gains its point as a whole in each regime; months differ in what an hour is worth and in the exchange rate.
pooled AS (
    SELECT *, sum(good_s) OVER of_plant / nullif(sum(pbt_s) OVER of_plant, 0) AS oee,
        sum(good_s) OVER of_plant / nullif(sum(pieces) OVER of_plant, 0) AS mean_pri_s
    FROM valued
    WINDOW of_plant AS (PARTITION BY scope_id, plant_id, regime, is_constraint)
),
point AS (
    SELECT *,
        CASE WHEN regime = 'CAPACITY' THEN CASE WHEN is_constraint THEN 0.01 * pbt_s / mean_pri_s ELSE 0 END END AS units,
        CASE WHEN regime = 'DEMAND' THEN pbt_s * 0.01 / (oee + 0.01) / 3600 END AS hours,
        0.01 * pbt_s / mean_pri_s * material_cost_per_unit * fx AS material
    FROM pooled
),
local AS (
    SELECT *, CASE
        WHEN regime = 'DEMAND' THEN hours * avoidable_cost_per_h
        WHEN units = 0 THEN 0 ELSE units * contribution_per_unit
    END AS worth
    FROM point
)
SELECT scope_id, scope_name, sum(pbt_s) / 3600 AS planned_h, sum(good_s) / nullif(sum(pbt_s), 0) AS oee,
    CASE WHEN count(DISTINCT regime) > 1 THEN 'MIXED' ELSE max(regime) END AS regime,
    sum(units) AS units, sum(hours) AS hours_saved,
    CASE WHEN count(DISTINCT currency) = 1 THEN sum(worth) END AS value_local,
    CASE WHEN count(DISTINCT currency) = 1 THEN max(currency) END AS currency_local,
    sum(worth * fx) AS value,
    sum(material) AS material_of_a_quality_point,
    max(reporting_currency) AS currency,
    sum(CASE WHEN why IS NULL THEN pbt_s ELSE 0 END) / nullif(sum(pbt_s), 0) AS valued,
    arg_max(why, pbt_s) AS why
FROM local
GROUP BY scope_id, scope_name
ORDER BY scope_id
"""

MACROS = (LOSS_UNIT, LOSS_VALUE, LOSS_WATERFALL, SIX_BIG_LOSSES, LOSS_REASONS, OEE_POINT_VALUE)
"""In the order in which a snapshot makes them, after the views that they read."""


def over(macro: str, units: str, values: str) -> str:
    """The SELECT of `loss_waterfall` or `six_big_losses` for every scope, over relations with the rows of `loss_unit` and `loss_value`: for
    whoever asks both, and makes these once.

    >>> "loss_unit(" in over(LOSS_WATERFALL, "units", "prices"), "FROM units AS u" in over(LOSS_WATERFALL, "units", "prices")
    (False, True)
    """
    select = macro.split(" AS TABLE", 1)[1]
    for name, relation in (
        ("loss_unit(kind, starting, profile)", units),
        ("loss_value(kind, starting, rates)", values),
        ("of_scope", "'*'"),
    ):
        select = select.replace(name, relation)
    return select
