"""Why two plants differ: table macros over the published KPI values (specification, sections 4.3, 4.4 and 4.6).

Here: the gap of OEE between two plants by factor and by loss, its split into better work and another mix, and curves over the months since
acquisition. Elsewhere: the values (`dbt_project.value_sql`), the swap that makes the macros (`publish.snapshot`).

All are exact: the terms of a split add up to the gap. A split that is not defined (a factor of 0 has no logarithm) is NULL, not
approximated.
"""

from __future__ import annotations

OEE_GAP = """
CREATE MACRO oee_gap(reference, compared, kind, starting) AS TABLE
WITH said AS (
    SELECT kpi_id, max(CASE WHEN scope_id = reference THEN value END) AS v0, max(CASE WHEN scope_id = compared THEN value END) AS v1
    FROM kpi_value
    WHERE scope_type = 'PLANT' AND profile = 'ISO' AND period_type = kind AND period_start = starting AND scope_id IN (reference, compared)
        AND (kpi_id IN ('OEE', 'A', 'E', 'Q') OR starts_with(kpi_id, 'LOSS_'))
    GROUP BY kpi_id
),
wide AS (
    SELECT max(CASE WHEN kpi_id = 'OEE' THEN v0 END) AS o0, max(CASE WHEN kpi_id = 'OEE' THEN v1 END) AS o1,
        max(CASE WHEN kpi_id = 'A' THEN v0 END) AS a0, max(CASE WHEN kpi_id = 'A' THEN v1 END) AS a1,
        max(CASE WHEN kpi_id = 'E' THEN v0 END) AS e0, max(CASE WHEN kpi_id = 'E' THEN v1 END) AS e1,
        max(CASE WHEN kpi_id = 'Q' THEN v0 END) AS q0, max(CASE WHEN kpi_id = 'Q' THEN v1 END) AS q1
    FROM said
),
-- Where a plant that was down has no factor, the other plant's stands for it.
filled AS (
    SELECT o0, o1, coalesce(a0, a1) AS a0, coalesce(a1, a0) AS a1, coalesce(e0, e1) AS e0, coalesce(e1, e0) AS e1,
        coalesce(q0, q1) AS q0, coalesce(q1, q0) AS q1,
        CASE WHEN o0 > 0 AND o1 > 0 THEN CASE WHEN o0 = o1 THEN o0 ELSE (o1 - o0) / (ln(o1) - ln(o0)) END END AS weight
    FROM wide
)
SELECT 'GAP' AS method, 'OEE' AS term, o1 - o0 AS points FROM wide
UNION ALL SELECT 'LMDI', 'A', weight * ln(a1 / a0) FROM filled
UNION ALL SELECT 'LMDI', 'E', weight * ln(e1 / e0) FROM filled
UNION ALL SELECT 'LMDI', 'Q', weight * ln(q1 / q0) FROM filled
UNION ALL SELECT 'SHAPLEY', 'A', (a1 - a0) * ((e0 * q0 + e1 * q1) / 3 + (e0 * q1 + e1 * q0) / 6) FROM filled
UNION ALL SELECT 'SHAPLEY', 'E', (e1 - e0) * ((a0 * q0 + a1 * q1) / 3 + (a0 * q1 + a1 * q0) / 6) FROM filled
UNION ALL SELECT 'SHAPLEY', 'Q', (q1 - q0) * ((a0 * e0 + a1 * e1) / 3 + (a0 * e1 + a1 * e0) / 6) FROM filled
UNION ALL SELECT 'LOSS', kpi_id, v0 - v1 FROM said WHERE starts_with(kpi_id, 'LOSS_')
"""

OEE_MIX = """
CREATE MACRO oee_mix(reference, compared, kind, starting) AS TABLE
WITH unit AS (
    SELECT v.plant_id, c.scope_id AS equipment_class, v.numerator, v.denominator
    FROM kpi_value AS v
    INNER JOIN unit_scope AS c ON v.scope_id = c.unit_id AND c.scope_type = 'CLASS'
    INNER JOIN unit_scope AS p ON v.scope_id = p.unit_id AND p.scope_type = 'PLANT'
    WHERE v.scope_type IN ('EQUIPMENT', 'LINE') AND v.profile = 'ISO' AND v.kpi_id = 'OEE'
        AND v.period_type = kind AND v.period_start = starting
        AND v.denominator > 0
),
class AS (
    SELECT equipment_class, sum(denominator) AS pbt,
        sum(CASE WHEN plant_id = reference THEN denominator END) AS d0, sum(CASE WHEN plant_id = reference THEN numerator END) AS n0,
        sum(CASE WHEN plant_id = compared THEN denominator END) AS d1, sum(CASE WHEN plant_id = compared THEN numerator END) AS n1
    FROM unit GROUP BY equipment_class
),
weighed AS (
    SELECT *, coalesce(d0, 0) / sum(d0) OVER () AS w0, coalesce(d1, 0) / sum(d1) OVER () AS w1, n0 / d0 AS o0, n1 / d1 AS o1,
        CASE WHEN d0 > 0 AND d1 > 0 THEN pbt END AS shared
    FROM class
)
SELECT
    sum(n0) / sum(d0) AS crude_reference, sum(n1) / sum(d1) AS crude_compared,
    -- Both plants with the portfolio's weights, over the classes that both have.
    sum(shared * o0) / sum(shared) AS standard_reference, sum(shared * o1) / sum(shared) AS standard_compared,
    sum(CASE WHEN shared IS NOT NULL THEN coalesce(d0, 0) + coalesce(d1, 0) END) / sum(coalesce(d0, 0) + coalesce(d1, 0)) AS shared_support,
    sum((w0 + w1) / 2 * (coalesce(o1, o0) - coalesce(o0, o1))) AS within_classes,
    sum((w1 - w0) * (coalesce(o0, o1) + coalesce(o1, o0)) / 2) AS mix_of_classes,
    sum(n1) / sum(d1) - sum(n0) / sum(d0) AS gap
FROM weighed
"""

VINTAGE_CURVE = """
CREATE MACRO vintage_curve(first_month, last_month) AS TABLE
WITH seen AS (
    SELECT v.plant_id, v.numerator, v.denominator,
        12 * (year(v.period_start) - year(p.acquired_on)) + month(v.period_start) - month(p.acquired_on) AS m
    FROM kpi_value AS v INNER JOIN plant AS p ON v.plant_id = p.plant_id
    WHERE v.scope_type = 'PLANT' AND v.period_type = 'MONTH' AND v.profile = 'ISO' AND v.kpi_id = 'OEE' AND v.value IS NOT NULL
        AND p.acquired_on IS NOT NULL
),
shown AS (SELECT * FROM seen WHERE m BETWEEN first_month AND last_month),
step AS (SELECT m, lag(m) OVER (ORDER BY m) AS before FROM (SELECT DISTINCT m FROM shown)),
pooled AS (SELECT m, count(*) AS plants, sum(numerator) / sum(denominator) AS oee FROM shown GROUP BY m),
-- Of two neighbouring months only the plants that are in both.
linked AS (
    SELECT s.m, sum(b.numerator) / sum(b.denominator) - sum(a.numerator) / sum(a.denominator) AS moved
    FROM step AS s
    INNER JOIN shown AS a ON a.m = s.before
    INNER JOIN shown AS b ON b.m = s.m AND b.plant_id = a.plant_id
    GROUP BY s.m
),
always AS (SELECT plant_id FROM shown GROUP BY plant_id HAVING count(*) = (SELECT count(*) FROM step)),
balanced AS (
    SELECT m, count(*) AS plants, sum(numerator) / sum(denominator) AS oee
    FROM shown WHERE plant_id IN (SELECT plant_id FROM always) GROUP BY m
)
SELECT p.m AS months_since_acquisition, p.plants, p.oee AS pooled,
    first_value(p.oee) OVER (ORDER BY p.m) + sum(coalesce(l.moved, 0)) OVER (ORDER BY p.m) AS chained,
    b.oee AS balanced, b.plants AS balanced_plants
FROM pooled AS p
LEFT JOIN linked AS l ON p.m = l.m
LEFT JOIN balanced AS b ON p.m = b.m
ORDER BY p.m
"""

MACROS = (OEE_GAP, OEE_MIX, VINTAGE_CURVE)
"""In the order in which a snapshot makes them, after `kpi_value`."""
