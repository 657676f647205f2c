"""The SQL of the change scope: from rows that differ to stretches of time, from stretches to units and production days.

Here: statements over schema `was` (files of silver that the parts were made from and that are gone), `fresh` (files that are new) and
`silver` (all there is now); instants are microseconds by the true clock (rule T17), as far as it is stated. Elsewhere: their order, and
which files they see (`pipelines.scope`); the models that build what is in scope (`dbt_project`).

Two versions of a plant's silver are compared, so that nothing that writes silver has to say what it changed, and nothing is lost
when a refresh dies. Every statement that follows a row of the table in design section 4 is named after it.

Estimated offsets change with the data, so instants of such a source are those of its own stamps here. Plants that have one are looked at
`CLOCK_US` wider wherever instants are compared: what is true before and now lies within, and a few days more are built.
"""

from __future__ import annotations

DAY_US = 86_400_000_000
SPREAD_US = 62 * DAY_US
"""How far back the pieces of a confirmation may have been made: `spread_days` of dbt_project.yml."""
CLOCK_US = 1_200_000_000
"""Two instants by estimated clocks are at most so much further apart than their stamps: twice `transforms.skew.REACH`."""

SESSION = f"""
CREATE OR REPLACE TEMP TABLE span (plant_id VARCHAR, equipment_id VARCHAR, from_us BIGINT, to_us BIGINT, pad_us BIGINT, cause VARCHAR);
CREATE OR REPLACE TEMP TABLE scope_day (plant_id VARCHAR, equipment_id VARCHAR, production_day DATE, cause VARCHAR);
CREATE OR REPLACE TEMP TABLE moved (plant_id VARCHAR, from_us BIGINT, to_us BIGINT, cause VARCHAR);
CREATE OR REPLACE TEMP TABLE clock AS
    SELECT plant_id, source_system, CAST(round(coalesce(clock_offset_s, 0) * 1000000) AS BIGINT) AS offset_us,
        CASE WHEN clock_reference IS NULL THEN 0 ELSE {CLOCK_US} END AS pad_us
    FROM silver.source_setting;
CREATE OR REPLACE TEMP TABLE loose AS SELECT plant_id, max(pad_us) AS pad_us FROM clock GROUP BY plant_id;
"""
"""`span`: [from, to) of a unit ('*': all) whose facts changed; `pad_us` widens it on both sides. `moved`: instants (old watermarks), or
days of which the clock is another, that events reach over. `clock`: what is subtracted from a source's times (rule T17), and how loose
they are; `loose`: the same of a plant."""

GROUP = """
CREATE OR REPLACE TEMP TABLE told AS
    WITH old AS (SELECT * FROM was.source_watermark), fresh AS (SELECT * FROM silver.source_watermark)
    SELECT p.plant_id, coalesce(o.source_system, f.source_system) AS source_system,
        epoch_us(CASE WHEN {same} THEN f.data_from ELSE o.data_from END) - coalesce(c.offset_us, 0) AS old_from_us,
        epoch_us(CASE WHEN {same} THEN f.data_to ELSE o.data_to END) - coalesce(c.offset_us, 0) AS old_to_us,
        epoch_us(f.data_from) - coalesce(c.offset_us, 0) AS new_from_us, epoch_us(f.data_to) - coalesce(c.offset_us, 0) AS new_to_us,
        coalesce(c.pad_us, 0) AS pad_us
    FROM diffed AS p
    JOIN (SELECT plant_id, source_system FROM old UNION SELECT plant_id, source_system FROM fresh) AS k USING (plant_id)
    LEFT JOIN old AS o ON o.plant_id = k.plant_id AND o.source_system = k.source_system
    LEFT JOIN fresh AS f ON f.plant_id = k.plant_id AND f.source_system = k.source_system
    LEFT JOIN clock AS c ON c.plant_id = k.plant_id AND c.source_system = k.source_system;
CREATE OR REPLACE TEMP TABLE horizon AS
    SELECT plant_id, max(old_to_us) AS old_to_us, max(new_to_us) AS new_to_us, min(old_from_us) AS old_from_us, min(new_from_us) AS new_from_us
    FROM told GROUP BY plant_id;
"""
"""Up to when each source had told everything, before and now; `same` where the statement is what it was."""

# --- indexes of months: where what overlaps an instant can be ------------------------------------------------------------------------

INDEX = """
DELETE FROM gold.event_reach WHERE (plant_id, month) IN (SELECT plant_id, month FROM changed_month WHERE table_name = 'equipment_state_event');
INSERT INTO gold.event_reach
    SELECT e.plant_id, e.month, e.equipment_id, e._source_system, min(epoch_us(start_ts) - coalesce(offset_us, 0)),
        max(epoch_us(start_ts) - coalesce(offset_us, 0)), last(end_ts IS NULL ORDER BY start_ts, event_id),
        max(epoch_us(end_ts) - coalesce(offset_us, 0))
    FROM fresh.equipment_state_event AS e LEFT JOIN clock AS c ON c.plant_id = e.plant_id AND c.source_system = e._source_system
    WHERE is_current AND NOT is_deleted GROUP BY ALL;
DELETE FROM gold.event_code WHERE (plant_id, month) IN (SELECT plant_id, month FROM changed_month WHERE table_name = 'equipment_state_event');
INSERT INTO gold.event_code
    SELECT DISTINCT plant_id, month, _source_system, source_reason_code FROM fresh.equipment_state_event
    WHERE is_current AND NOT is_deleted AND source_reason_code IS NOT NULL;
"""
"""After the comparison of events, which needs the index as it was."""

SPREAD_INDEX = """
DELETE FROM gold.spread_month WHERE (plant_id, month) IN (SELECT plant_id, month FROM changed_month WHERE table_name = 'production_count');
INSERT INTO gold.spread_month
    SELECT DISTINCT plant_id, month FROM fresh.production_count
    WHERE is_current AND NOT is_deleted AND (start_ts < event_ts OR (count_source = 'ERP_CONFIRMATION' AND order_id IS NOT NULL));
"""
"""Months with counts that may belong to several shifts (rule T19)."""

SPAN_INDEX = """
DELETE FROM gold.span_reach WHERE table_name = '{table}'
    AND (plant_id, month) IN (SELECT plant_id, month FROM changed_month WHERE table_name = '{table}');
INSERT INTO gold.span_reach
    SELECT '{table}', plant_id, month, min(epoch_us(start_ts)), max(epoch_us(end_ts)) FROM fresh.{table}
    WHERE is_current AND NOT is_deleted GROUP BY ALL;
"""

# --- what changed ---------------------------------------------------------------------------------------------------------------------

STATE_EVENT = f"""
CREATE OR REPLACE TEMP TABLE event AS
    SELECT side, e.plant_id, e.month, e.equipment_id, e._source_system AS source_system, e.event_id,
        epoch_us(e.start_ts) - coalesce(c.offset_us, 0) AS start_us, epoch_us(e.end_ts) - coalesce(c.offset_us, 0) AS end_us,
        e.state_class, e.is_failure, e.source_reason_code, e.order_id, e.material_id,
        coalesce(list_contains(e.dq_flags, 'DST_AMBIGUOUS'), false) AS is_ambiguous
    FROM (SELECT 'was' AS side, * FROM was.equipment_state_event UNION ALL SELECT 'now', * FROM fresh.equipment_state_event) AS e
    LEFT JOIN clock AS c ON c.plant_id = e.plant_id AND c.source_system = e._source_system
    WHERE e.is_current AND NOT e.is_deleted AND e.plant_id IN (SELECT plant_id FROM diffed);
CREATE OR REPLACE TEMP TABLE reach AS
    SELECT *, lead(first_us) OVER (PARTITION BY side, plant_id, equipment_id, source_system ORDER BY first_us) AS next_us
    FROM (
        SELECT side, plant_id, month, equipment_id, source_system, min(start_us) AS first_us, max(start_us) AS last_us,
            last(end_us IS NULL ORDER BY start_us, event_id) AS is_open, true AS is_changed
        FROM event GROUP BY ALL
        UNION ALL
        SELECT s.side, r.plant_id, r.month, r.equipment_id, r.source_system, r.first_us, r.last_us, r.is_open, false
        FROM gold.event_reach AS r CROSS JOIN (VALUES ('was'), ('now')) AS s(side)
        WHERE r.plant_id IN (SELECT plant_id FROM diffed) AND (r.plant_id, r.month) NOT IN (
            SELECT plant_id, month FROM changed_month WHERE table_name = 'equipment_state_event'));
CREATE OR REPLACE TEMP TABLE closed AS
    WITH followed AS (
        SELECT e.*, t.pad_us, CASE e.side WHEN 'was' THEN t.old_to_us ELSE t.new_to_us END AS told_us,
            coalesce(e.end_us, lead(e.start_us) OVER (PARTITION BY e.side, e.plant_id, e.month, e.equipment_id, e.source_system
                ORDER BY e.start_us, e.event_id), r.next_us) AS until_us
        FROM event AS e
        LEFT JOIN reach AS r ON r.side = e.side AND r.plant_id = e.plant_id AND r.month = e.month AND r.equipment_id = e.equipment_id
            AND r.source_system = e.source_system
        LEFT JOIN told AS t ON t.plant_id = e.plant_id AND t.source_system = e.source_system)
    SELECT *, least(coalesce(until_us, told_us), told_us) AS closed_us,
        CASE WHEN until_us <= told_us + pad_us THEN until_us END AS settled_us
    FROM followed;
INSERT INTO span
    SELECT DISTINCT plant_id, equipment_id, start_us, greatest(coalesce(closed_us, start_us), start_us + 1), {DAY_US}, 'state event'
    FROM closed AS a
    WHERE NOT EXISTS (
        SELECT 1 FROM closed AS b
        WHERE b.side <> a.side AND b.plant_id = a.plant_id AND b.event_id = a.event_id AND b.equipment_id = a.equipment_id
            AND b.source_system = a.source_system AND b.start_us = a.start_us AND b.is_ambiguous = a.is_ambiguous
            AND b.settled_us IS NOT DISTINCT FROM a.settled_us AND b.state_class IS NOT DISTINCT FROM a.state_class
            AND (b.until_us IS NULL) = (a.until_us IS NULL) AND b.is_failure IS NOT DISTINCT FROM a.is_failure
            AND b.source_reason_code IS NOT DISTINCT FROM a.source_reason_code
            AND b.order_id IS NOT DISTINCT FROM a.order_id AND b.material_id IS NOT DISTINCT FROM a.material_id);
INSERT INTO span
    SELECT n.plant_id, n.equipment_id, n.last_us, coalesce(greatest(n.next_us, w.next_us, CASE WHEN n.next_us IS NULL OR w.next_us IS NULL
        THEN greatest(t.old_to_us, t.new_to_us) END), n.last_us + 1), {DAY_US}, 'state event'
    FROM reach AS n
    JOIN reach AS w ON w.side = 'was' AND w.plant_id = n.plant_id AND w.month = n.month AND w.equipment_id = n.equipment_id
        AND w.source_system = n.source_system
    LEFT JOIN told AS t ON t.plant_id = n.plant_id AND t.source_system = n.source_system
    WHERE n.side = 'now' AND NOT n.is_changed AND n.is_open AND n.next_us IS DISTINCT FROM w.next_us;
"""
"""Old and new span of every changed event, one day more on each side; the last event of an unchanged month, which ends where the
next begins. An event that is still open in both, or cut by the watermark, is the watermark's business."""

COUNT = """
CREATE OR REPLACE TEMP TABLE counted AS
    SELECT side, q.plant_id, q.month, q.equipment_id, q.count_id, coalesce(q.corrects_count_id, q.reverses_count_id) AS parent_id,
        epoch_us(q.event_ts) - coalesce(c.offset_us, 0) AS event_us, epoch_us(q.start_ts) - coalesce(c.offset_us, 0) AS start_us, q.material_id, q.tool_code, q.order_id, q.count_source,
        q.produced_qty, q.good_qty, q.scrap_qty, q.rework_qty, q.first_pass_good_qty, q.operation_id, coalesce(list_contains(q.dq_flags, 'DST_AMBIGUOUS'), false) AS is_ambiguous
    FROM (SELECT 'was' AS side, * FROM was.production_count UNION ALL SELECT 'now', * FROM fresh.production_count) AS q
    LEFT JOIN clock AS c ON c.plant_id = q.plant_id AND c.source_system = q._source_system
    WHERE q.is_current AND NOT q.is_deleted AND q.plant_id IN (SELECT plant_id FROM diffed);
CREATE OR REPLACE TEMP TABLE counted_anew AS
    WITH said AS (SELECT * EXCLUDE (side, month), side FROM counted)
    SELECT * EXCLUDE (sides) FROM (
        SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM said GROUP BY ALL)
    WHERE sides = 1;
INSERT INTO span
    SELECT DISTINCT plant_id, equipment_id, least(event_us, coalesce(start_us, event_us)), event_us + 1, 0, 'count' FROM counted_anew;
INSERT INTO scope_day
    SELECT DISTINCT s.plant_id, s.equipment_id, s.production_day, 'order'
    FROM counted_anew AS q JOIN segment AS s ON s.plant_id = q.plant_id AND s.order_id = q.order_id
    WHERE q.count_source = 'ERP_CONFIRMATION';
"""
"""The days of the count, before and now; where an order is confirmed as a whole, every day of its run segments."""

LINKS_BEFORE = """
CREATE OR REPLACE TEMP TABLE old_link AS SELECT * FROM gold.count_link WHERE plant_id IN (SELECT DISTINCT plant_id FROM changed_month WHERE table_name = 'production_count');
DELETE FROM gold.count_link WHERE (plant_id, month) IN (SELECT plant_id, month FROM changed_month WHERE table_name = 'production_count');
INSERT INTO gold.count_link
    SELECT q.plant_id, q.month, q.equipment_id, q.count_id, q.parent_id, q.event_us, o.parent_month, o.parent_us, o.root_us
    FROM (SELECT * FROM fresh_count WHERE parent_id IS NOT NULL) AS q
    LEFT JOIN old_link AS o ON o.plant_id = q.plant_id AND o.count_id = q.count_id AND o.parent_id = q.parent_id;
UPDATE gold.count_link AS l SET parent_month = NULL, parent_us = NULL
    WHERE (plant_id, parent_month) IN (SELECT plant_id, month FROM changed_month WHERE table_name = 'production_count');
UPDATE gold.count_link AS l SET parent_month = q.month, parent_us = q.event_us
    FROM fresh_count AS q WHERE q.plant_id = l.plant_id AND q.count_id = l.parent_id;
UPDATE gold.count_link AS l SET parent_month = p.month, parent_us = p.event_us
    FROM gold.count_link AS p WHERE l.parent_us IS NULL AND p.plant_id = l.plant_id AND p.count_id = l.parent_id;
"""
"""Corrections of the months that changed, with where their documents are as far as that is known."""

LINKS_SEARCH = """
UPDATE gold.count_link AS l SET parent_month = q.month, parent_us = epoch_us(q.event_ts) - coalesce(c.offset_us, 0)
    FROM searched AS q LEFT JOIN clock AS c ON c.plant_id = q.plant_id AND c.source_system = q._source_system
    WHERE l.parent_us IS NULL AND q.plant_id = l.plant_id AND q.count_id = l.parent_id AND q.is_current AND NOT q.is_deleted;
"""
UNRESOLVED = """
    SELECT DISTINCT plant_id, month FROM gold.count_link WHERE parent_us IS NULL
        AND (plant_id, month) IN (SELECT plant_id, month FROM changed_month WHERE table_name = 'production_count')
"""
"""Documents that an unchanged month may hold."""

LINKS_AFTER = """
CREATE OR REPLACE TEMP TABLE rooted AS
    WITH RECURSIVE walk AS (
        SELECT plant_id, count_id, parent_id AS root_id, parent_us AS root_us, 1 AS steps FROM gold.count_link
        WHERE plant_id IN (SELECT DISTINCT plant_id FROM changed_month WHERE table_name = 'production_count')
        UNION ALL
        SELECT w.plant_id, w.count_id, l.parent_id, l.parent_us, w.steps + 1
        FROM walk AS w JOIN gold.count_link AS l ON l.plant_id = w.plant_id AND l.count_id = w.root_id
        WHERE w.steps < 4 AND l.parent_us IS NOT NULL)
    SELECT plant_id, count_id, arg_max(root_us, steps) AS root_us FROM walk WHERE root_us IS NOT NULL GROUP BY ALL;
UPDATE gold.count_link AS l SET root_us = NULL WHERE plant_id IN (SELECT DISTINCT plant_id FROM changed_month WHERE table_name = 'production_count');
UPDATE gold.count_link AS l SET root_us = r.root_us FROM rooted AS r WHERE r.plant_id = l.plant_id AND r.count_id = l.count_id;
INSERT INTO span
    WITH was_link AS (SELECT plant_id, equipment_id, count_id, coalesce(root_us, event_us) AS booked_us FROM old_link),
    now_link AS (SELECT plant_id, equipment_id, count_id, coalesce(root_us, event_us) AS booked_us FROM gold.count_link
        WHERE plant_id IN (SELECT DISTINCT plant_id FROM changed_month WHERE table_name = 'production_count')),
    both_links AS (SELECT * FROM was_link UNION ALL SELECT * FROM now_link),
    touched AS (
        SELECT plant_id, count_id FROM counted_anew
        UNION SELECT coalesce(w.plant_id, n.plant_id), coalesce(w.count_id, n.count_id) FROM was_link AS w
            FULL JOIN now_link AS n ON n.plant_id = w.plant_id AND n.count_id = w.count_id
            WHERE w.booked_us IS DISTINCT FROM n.booked_us)
    SELECT DISTINCT b.plant_id, b.equipment_id, b.booked_us, b.booked_us + 1, 0, 'count'
    FROM both_links AS b JOIN touched USING (plant_id, count_id)
    WHERE b.plant_id IN (SELECT plant_id FROM diffed);
"""
"""Corrections are booked where their root is (rule T20): the day of the root, before and now."""

ORDER = """
INSERT INTO scope_day
    WITH was_order AS (SELECT plant_id, order_id, material_id FROM was.production_order WHERE is_current AND NOT is_deleted),
    now_order AS (SELECT plant_id, order_id, material_id FROM fresh.production_order WHERE is_current AND NOT is_deleted),
    changed AS (
        SELECT coalesce(w.plant_id, n.plant_id) AS plant_id, coalesce(w.order_id, n.order_id) AS order_id
        FROM was_order AS w FULL JOIN now_order AS n ON n.plant_id = w.plant_id AND n.order_id = w.order_id
        WHERE w.material_id IS DISTINCT FROM n.material_id)
    SELECT DISTINCT s.plant_id, s.equipment_id, s.production_day, 'order'
    FROM changed AS o JOIN segment AS s ON s.plant_id = o.plant_id AND s.order_id = o.order_id
    WHERE o.plant_id IN (SELECT plant_id FROM diffed);
"""
"""Every day of the order's run segments."""

CALENDAR = """
CREATE OR REPLACE TEMP TABLE entry AS
    SELECT 'was' AS side, plant_id, coalesce(equipment_id, '*') AS equipment_id, epoch_us(start_ts) AS from_us, epoch_us(end_ts) AS to_us,
        planned_class AS what, planned_downtime_id AS id, CAST(NULL AS DATE) AS production_day, epoch_us(planned_at) AS planned_us
    FROM was.planned_downtime WHERE is_current AND NOT is_deleted
    UNION ALL SELECT 'now', plant_id, coalesce(equipment_id, '*'), epoch_us(start_ts), epoch_us(end_ts), planned_class, planned_downtime_id,
        NULL, epoch_us(planned_at)
    FROM fresh.planned_downtime WHERE is_current AND NOT is_deleted
    UNION ALL SELECT 'was', plant_id, coalesce(equipment_id, '*'), epoch_us(start_ts), epoch_us(end_ts), shift_code || coalesce(source, ''),
        shift_instance_id, production_day, NULL
    FROM was.shift_instance WHERE is_current AND NOT is_deleted
    UNION ALL SELECT 'now', plant_id, coalesce(equipment_id, '*'), epoch_us(start_ts), epoch_us(end_ts), shift_code || coalesce(source, ''),
        shift_instance_id, production_day, NULL
    FROM fresh.shift_instance WHERE is_current AND NOT is_deleted
    UNION ALL SELECT 'was', plant_id, '*', epoch_us(start_ts), epoch_us(end_ts), 'day', '', production_day, NULL FROM was.production_day
    UNION ALL SELECT 'now', plant_id, '*', epoch_us(start_ts), epoch_us(end_ts), 'day', '', production_day, NULL FROM fresh.production_day;
CREATE OR REPLACE TEMP TABLE entered_anew AS
    SELECT * EXCLUDE (sides) FROM (SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM entry GROUP BY ALL)
    WHERE sides = 1 AND plant_id IN (SELECT plant_id FROM diffed);
INSERT INTO span SELECT DISTINCT plant_id, equipment_id, from_us, greatest(to_us, from_us + 1), 0, 'calendar' FROM entered_anew;
INSERT INTO scope_day SELECT DISTINCT plant_id, equipment_id, production_day, 'calendar' FROM entered_anew WHERE production_day IS NOT NULL;
"""
"""Days overlapped by a shift window, a planned entry or a production day that changed, before and now."""

WATERMARK = """
INSERT INTO span
    SELECT plant_id, '*', least(old_to_us, new_to_us) - 1, greatest(old_to_us, new_to_us) + 1, 0, 'watermark'
    FROM told WHERE old_to_us IS DISTINCT FROM new_to_us AND old_to_us IS NOT NULL AND new_to_us IS NOT NULL
    UNION
    SELECT plant_id, '*', least(old_to_us, new_to_us) - 1, greatest(old_to_us, new_to_us) + 1, 0, 'watermark'
    FROM horizon WHERE old_to_us IS DISTINCT FROM new_to_us
    UNION
    SELECT plant_id, '*', least(old_from_us, new_from_us) - 1, greatest(old_from_us, new_from_us) + 1, 0, 'watermark'
    FROM horizon WHERE old_from_us IS DISTINCT FROM new_from_us;
INSERT INTO moved
    SELECT plant_id, old_us, old_us, 'watermark' FROM (
        SELECT plant_id, least(old_to_us, coalesce(new_to_us, old_to_us)) AS old_us FROM told
        WHERE old_to_us IS DISTINCT FROM new_to_us AND old_to_us IS NOT NULL
        UNION SELECT plant_id, least(old_to_us, new_to_us) FROM horizon WHERE old_to_us IS DISTINCT FROM new_to_us);
"""
"""From the old watermark to the new one, and where the horizon begins; what was open there follows in `FOLLOWERS`."""

CLOCK_OFFSET = f"""
CREATE OR REPLACE TEMP TABLE set_anew AS
    SELECT DISTINCT plant_id, epoch_us(day) AS from_us, epoch_us(day) + {DAY_US} AS to_us FROM (
        (SELECT {{columns}} FROM was.clock_offset WHERE is_applied EXCEPT SELECT {{columns}} FROM fresh.clock_offset WHERE is_applied)
        UNION ALL (SELECT {{columns}} FROM fresh.clock_offset WHERE is_applied EXCEPT SELECT {{columns}} FROM was.clock_offset WHERE is_applied))
    WHERE plant_id IN (SELECT plant_id FROM diffed);
INSERT INTO span SELECT plant_id, '*', from_us, to_us, {DAY_US}, 'clock offset' FROM set_anew;
INSERT INTO moved SELECT plant_id, from_us, to_us, 'clock offset' FROM set_anew;
""".format(columns="plant_id, source_system, day, offset_s")
"""The days of a source's stamps that are corrected otherwise, one more on each side; what began before and was ended there follows in
`FOLLOWERS`, and so does what began there and goes on."""

SOURCES = """
INSERT INTO scope_day
    SELECT DISTINCT plant_id, '*', CAST(NULL AS DATE), 'source' FROM told WHERE (old_to_us IS NULL) <> (new_to_us IS NULL);
"""
"""A source that is new or gone: its events close others', everywhere."""

EVERYWHERE = """
INSERT INTO scope_day
    SELECT DISTINCT plant_id, {unit}, CAST(NULL AS DATE), '{cause}' FROM (
        (SELECT {columns} FROM was.{table} WHERE {where} EXCEPT SELECT {columns} FROM fresh.{table} WHERE {where})
        UNION ALL (SELECT {columns} FROM fresh.{table} WHERE {where} EXCEPT SELECT {columns} FROM was.{table} WHERE {where}))
    WHERE plant_id IN (SELECT plant_id FROM diffed);
"""
STATEMENTS = (
    ("plant", "plant_id, calendar, data_start_on", "'*'", "true", "setting"),
    (
        "plant_setting",
        "plant_id, equipment_id, valid_from, valid_to, microstop_s, plan_freeze_s, coalesce(flicker, false)",
        "equipment_id",
        "true",
        "setting",
    ),
    (
        "line_station",
        "plant_id, line_id, equipment_id, position, parallel_group, is_constraint_default, is_output_counter, valid_from",
        "line_id",
        "true",
        "line",
    ),
    ("class_precedence", "plant_id, source_system, state_class, level", "'*'", "true", "setting"),
    ("rate_basis_rank", "plant_id, rate_basis, rank", "'*'", "true", "setting"),
    ("source_setting", "plant_id, source_system, coalesce(clock_offset_s, 0), clock_reference", "'*'", "true", "clock offset"),
    (
        "plant_definition_profile",
        "plant_id, breaks_in_pbt, planned_maint_in_pbt, no_demand_in_pbt, setup_in_pbt, rework_counts_as_good, rate_basis, perf_capped_at_source",
        "'*'",
        "true",
        "definition",
    ),
    ("plant", "plant_id, currency, reporting_currency", "'~' || plant_id", "true", "currency"),
    ("emission_factor", "plant_id, carrier, kg_per_kwh, valid_from, valid_to", "'*'", "true", "emission factor"),
    ("product_family", "plant_id, material_id, weight", "'*'", "true", "product family"),
    ("uom_conversion", "plant_id, material_id, from_uom, to_base_factor", "'*'", "is_current AND NOT is_deleted", "unit of measure"),
    ("equipment", "plant_id, equipment_id, is_kpi_unit, state_method", "equipment_id", "is_current AND NOT is_deleted", "equipment"),
)
"""(table, what decides parts, the unit it is about, which rows, cause): every day of the unit."""

UNIT_RECORD = """
CREATE OR REPLACE TEMP TABLE said_otherwise AS
    WITH said AS (
        SELECT side, q.plant_id, CASE WHEN e.equipment_id IS NULL THEN '~' || q.plant_id ELSE q.equipment_id END AS equipment_id, q.{id} AS id, q._row_hash,
            epoch_us(coalesce(q.{start}, q.{end})) - greatest(coalesce(c.offset_us, 0), 0) AS from_us,
            epoch_us(coalesce(q.{end}, q.{start})) - least(coalesce(c.offset_us, 0), 0) AS to_us
        FROM (SELECT 'was' AS side, * FROM was.{table} UNION ALL SELECT 'now', * FROM fresh.{table}) AS q
        LEFT JOIN clock AS c ON c.plant_id = q.plant_id AND c.source_system = q._source_system
        LEFT JOIN silver.equipment AS e ON e.equipment_id = q.equipment_id AND e.is_current AND NOT e.is_deleted AND e.is_kpi_unit
        WHERE q.is_current AND NOT q.is_deleted AND q.plant_id IN (SELECT plant_id FROM diffed)),
    said_once AS (SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM said GROUP BY ALL)
    SELECT DISTINCT plant_id, equipment_id, from_us, greatest(to_us, from_us + 1) AS to_us
    FROM said_once WHERE sides = 1 AND from_us IS NOT NULL;
INSERT INTO span SELECT plant_id, equipment_id, from_us, to_us, 0, '{cause}' FROM said_otherwise WHERE NOT starts_with(equipment_id, '~');
INSERT INTO scope_day
    SELECT DISTINCT plant_id, '~' || plant_id,
        cast(make_timestamp((from_us + to_us) // 2) AS DATE) + unnest([-1, 0, 1]) AS production_day, '{cause}'
    FROM said_otherwise;
"""
"""The days of a unit that a record touches, before and now; and of its plant as a whole, to which the record may belong, the days around
the middle of its interval: the plant may have no calendar. By both clocks: operations are
corrected (`int_order__active`), other records are not (`int_record__dated`)."""

UNIT_RECORDS = (
    ("order_operation", "operation_id", "actual_start_ts", "actual_end_ts", "operation"),
    ("inspection_result", "inspection_id", "measured_ts", "measured_ts", "inspection"),
    ("scrap", "scrap_id", "event_ts", "event_ts", "scrap"),
    ("maintenance_order", "maintenance_id", "reported_ts", "reported_ts", "maintenance"),
    ("maintenance_order", "maintenance_id", "work_start_ts", "work_end_ts", "maintenance"),
    ("energy", "energy_id", "start_ts", "end_ts", "energy"),
    ("labour_time", "labour_id", "start_ts", "end_ts", "labour"),
)
"""(table, its id, from, to, cause): the days of a unit that its records touch."""

GOING_OPERATION = """
INSERT INTO span
    WITH said AS (
        SELECT side, q.plant_id, q.equipment_id, q.operation_id, epoch_us(q.actual_start_ts) - coalesce(c.offset_us, 0) AS from_us, q.actual_end_ts
        FROM (SELECT 'was' AS side, * FROM was.order_operation UNION ALL SELECT 'now', * FROM fresh.order_operation) AS q
        LEFT JOIN clock AS c ON c.plant_id = q.plant_id AND c.source_system = q._source_system
        WHERE q.is_current AND NOT q.is_deleted AND q.actual_start_ts IS NOT NULL AND q.plant_id IN (SELECT plant_id FROM diffed)),
    said_once AS (SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM said GROUP BY ALL)
    SELECT DISTINCT s.plant_id, s.equipment_id, s.from_us, greatest(h.old_to_us, h.new_to_us, s.from_us + 1), 0, 'operation'
    FROM said_once AS s JOIN horizon AS h USING (plant_id) WHERE sides = 1 AND s.actual_end_ts IS NULL AND s.equipment_id IS NOT NULL;
"""
"""An operation without an end is active up to the watermark, and decides what a standby is."""

DAY_RECORD = """
INSERT INTO scope_day
    WITH said AS (
        SELECT side, q.plant_id, q._row_hash, cast(date_trunc('month', q.{day}) AS DATE) AS production_day
        FROM (SELECT 'was' AS side, * FROM was.{table} UNION ALL SELECT 'now', * FROM fresh.{table}) AS q
        WHERE q.is_current AND NOT q.is_deleted AND q.plant_id IN (SELECT plant_id FROM diffed)),
    said_once AS (SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM said GROUP BY ALL)
    SELECT DISTINCT plant_id, '~' || plant_id, production_day, '{cause}' FROM said_once WHERE sides = 1;
"""
"""The month of a record of a local day, before and now."""

DAY_RECORDS = (
    ("inventory_snapshot", "snapshot_date", "stock"), ("cost", "period", "cost"), ("delivery_line", "promised_date", "delivery"),
)  # fmt: skip
"""(table, its day, cause): the plant-months that its records make."""

FX_RATE = """
INSERT INTO scope_day
    WITH said AS (
        SELECT 'was' AS side, from_ccy, to_ccy, period, rate_type, rate FROM was.fx_rate
        UNION ALL SELECT 'now', from_ccy, to_ccy, period, rate_type, rate FROM fresh.fx_rate),
    said_once AS (SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM said GROUP BY ALL)
    SELECT DISTINCT p.plant_id, '~' || p.plant_id, s.period, 'exchange rate'
    FROM said_once AS s JOIN silver.plant AS p ON p.currency = s.from_ccy AND p.reporting_currency = s.to_ccy
    WHERE sides = 1 AND p.plant_id IN (SELECT plant_id FROM diffed);
"""

ORDER_DAYS = """
INSERT INTO scope_day
    WITH said AS (
        SELECT side, q.plant_id, q._row_hash, unnest([q.due_ts, q.actual_end_ts]) AS moment
        FROM (SELECT 'was' AS side, * FROM was.production_order UNION ALL SELECT 'now', * FROM fresh.production_order) AS q
        WHERE q.is_current AND NOT q.is_deleted AND q.plant_id IN (SELECT plant_id FROM diffed)),
    said_once AS (SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM said GROUP BY ALL)
    SELECT DISTINCT plant_id, '~' || plant_id, cast(moment AS DATE) + unnest([-1, 0, 1]), 'order'
    FROM said_once WHERE sides = 1 AND moment IS NOT NULL;
"""
"""The days on which an order counts, before and now: where it is due, and where it ended."""

OPERATION_DAYS = """
INSERT INTO scope_day
    WITH said AS (
        SELECT side, q.plant_id, q.order_id, q.operation_id, q.operation_no
        FROM (SELECT 'was' AS side, * FROM was.order_operation UNION ALL SELECT 'now', * FROM fresh.order_operation) AS q
        WHERE q.is_current AND NOT q.is_deleted AND q.plant_id IN (SELECT plant_id FROM diffed)),
    said_once AS (SELECT * EXCLUDE (side), count(DISTINCT side) AS sides FROM said GROUP BY ALL)
    SELECT DISTINCT s.plant_id, '~' || s.plant_id, cast(unnest([o.due_ts, o.actual_end_ts]) AS DATE) + unnest([-1, 0, 1]), 'operation'
    FROM said_once AS s JOIN silver.production_order AS o ON o.order_id = s.order_id AND o.is_current AND NOT o.is_deleted
    WHERE sides = 1;
"""
"""The same of orders whose operations are others."""

STATED_APART = (
    "equipment_state_event", "production_count", "production_order", "planned_downtime", "shift_instance", "production_day", "ideal_rate",
    "source_watermark", "clock_offset", "map_downtime_reason", "fx_rate", *(table for table, *_ in DAY_RECORDS),
)  # fmt: skip
"""Tables whose changes have statements of their own in this module."""

OPENS_NOTHING = {
    "goods_movement": "no part is made of movements yet",
    "material": "parts name a material by its id", "tag": "no part is made of samples", "historian_sample": "no part is made of samples",
    "equipment_class": "told beside the parts", "kpi_target": "told beside the parts", "economics": "told beside the parts",
}  # fmt: skip
"""Tables of which no change makes a production day anew, and what they are for instead."""

OF_TABLES = (
    *((row[0], UNIT_RECORD.format(**dict(zip(("table", "id", "start", "end", "cause"), row, strict=True)))) for row in UNIT_RECORDS),
    *((row[0], DAY_RECORD.format(**dict(zip(("table", "day", "cause"), row, strict=True)))) for row in DAY_RECORDS),
    *((row[0], EVERYWHERE.format(**dict(zip(("table", "columns", "unit", "where", "cause"), row, strict=True)))) for row in STATEMENTS),
)  # fmt: skip
"""(table, statement): what is asked of a table that changed, one for each line of the lists above."""

IDEAL_RATE = """
INSERT INTO span
    WITH was_rate AS (SELECT * FROM was.ideal_rate WHERE is_current AND NOT is_deleted),
    now_rate AS (SELECT * FROM fresh.ideal_rate WHERE is_current AND NOT is_deleted),
    both_rates AS (
        SELECT w.ideal_rate_id IS NOT NULL AND n.ideal_rate_id IS NOT NULL AND w.pri_s = n.pri_s AND w.rate_basis = n.rate_basis
            AND w.equipment_id IS NOT DISTINCT FROM n.equipment_id AND w.material_id IS NOT DISTINCT FROM n.material_id
            AND w.tool_code IS NOT DISTINCT FROM n.tool_code AS is_same,
            coalesce(w.plant_id, n.plant_id) AS plant_id, w.equipment_id AS was_unit, n.equipment_id AS now_unit,
            w.ideal_rate_id AS was_id, n.ideal_rate_id AS now_id, epoch_us(w.valid_from) AS was_from, epoch_us(n.valid_from) AS now_from,
            coalesce(epoch_us(w.valid_to), 9000000000000000000) AS was_to, coalesce(epoch_us(n.valid_to), 9000000000000000000) AS now_to
        FROM was_rate AS w FULL JOIN now_rate AS n ON n.plant_id = w.plant_id AND n.ideal_rate_id = w.ideal_rate_id)
    SELECT plant_id, equipment_id, from_us, to_us, 0, 'ideal rate' FROM (
        SELECT plant_id, coalesce(was_unit, '*') AS equipment_id, was_from AS from_us, was_to AS to_us FROM both_rates WHERE NOT is_same AND was_id IS NOT NULL
        UNION SELECT plant_id, coalesce(now_unit, '*'), now_from, now_to FROM both_rates WHERE NOT is_same AND now_id IS NOT NULL
        UNION SELECT plant_id, coalesce(now_unit, '*'), least(was_from, now_from), greatest(was_from, now_from) FROM both_rates
            WHERE is_same AND was_from <> now_from
        UNION SELECT plant_id, coalesce(now_unit, '*'), least(was_to, now_to), greatest(was_to, now_to) FROM both_rates
            WHERE is_same AND was_to <> now_to)
    WHERE plant_id IN (SELECT plant_id FROM diffed) AND to_us > from_us;
"""
"""The days in which a rate held, before or now, and not in both."""

REASON_MAP = """
CREATE OR REPLACE TEMP TABLE remapped AS
    SELECT DISTINCT plant_id, source_system, source_code,
        coalesce(epoch_us(valid_from), -9000000000000000000) AS from_us, coalesce(epoch_us(valid_to), 9000000000000000000) AS to_us
    FROM (
        (SELECT {columns} FROM was.map_downtime_reason EXCEPT SELECT {columns} FROM fresh.map_downtime_reason)
        UNION ALL (SELECT {columns} FROM fresh.map_downtime_reason EXCEPT SELECT {columns} FROM was.map_downtime_reason));
""".format(columns="plant_id, source_system, source_code, reason_code, approved_at IS NOT NULL AS is_approved, valid_from, valid_to")

RECODED_MONTHS = """
    SELECT DISTINCT c.plant_id, c.month FROM gold.event_code AS c
    JOIN remapped AS m ON m.source_code = c.source_code AND m.plant_id IN (c.plant_id, '*') AND m.source_system IN (c.source_system, '*')
    WHERE c.plant_id IN (SELECT plant_id FROM diffed)
"""
"""The months whose events use a code that changed."""

RECODED = f"""
INSERT INTO span
    WITH followed AS (
        SELECT e.plant_id, e.equipment_id, e._source_system AS source_system, e.source_reason_code AS source_code,
            epoch_us(e.start_ts) - coalesce(c.offset_us, 0) AS start_us,
            coalesce(epoch_us(e.end_ts) - coalesce(c.offset_us, 0), lead(epoch_us(e.start_ts) - coalesce(c.offset_us, 0))
                OVER (PARTITION BY e.plant_id, e.equipment_id, e._source_system ORDER BY e.start_ts, e.event_id), t.new_to_us) AS until_us,
            coalesce(c.pad_us, 0) AS loose_us
        FROM recoded_event AS e
        LEFT JOIN clock AS c ON c.plant_id = e.plant_id AND c.source_system = e._source_system
        LEFT JOIN told AS t ON t.plant_id = e.plant_id AND t.source_system = e._source_system
        WHERE e.is_current AND NOT e.is_deleted)
    SELECT DISTINCT f.plant_id, f.equipment_id, f.start_us, greatest(f.until_us, f.start_us + 1), {DAY_US}, 'reason map'
    FROM followed AS f JOIN remapped AS m ON m.source_code = f.source_code AND m.plant_id IN (f.plant_id, '*')
        AND m.source_system IN (f.source_system, '*') AND f.start_us + f.loose_us >= m.from_us AND f.start_us - f.loose_us < m.to_us;
"""
"""The days of the events that use it, while the line holds."""

# --- from time to days ----------------------------------------------------------------------------------------------------------------

SPAN_MONTHS = f"""
    SELECT DISTINCT plant_id, strftime(month, '%Y-%m') AS month FROM (
        SELECT s.plant_id, unnest(generate_series(
            date_trunc('month', make_timestamp(greatest(s.from_us - s.pad_us, h.from_us) - 4 * {DAY_US})),
            date_trunc('month', make_timestamp(least(s.to_us + s.pad_us, h.to_us) + 4 * {DAY_US})), INTERVAL 1 MONTH)) AS month
        FROM span AS s JOIN (SELECT plant_id, least(coalesce(old_from_us, new_from_us), coalesce(new_from_us, old_from_us)) AS from_us,
            greatest(coalesce(old_to_us, new_to_us), coalesce(new_to_us, old_to_us)) AS to_us FROM horizon) AS h USING (plant_id))
"""
"""The months in which production days and shift windows of the spans lie."""

DAYS = """
INSERT INTO scope_day
    SELECT s.plant_id, s.equipment_id, d.production_day, s.cause
    FROM (
        SELECT span.* EXCLUDE (pad_us), span.pad_us + coalesce(loose.pad_us, 0) AS pad_us FROM span LEFT JOIN loose USING (plant_id)) AS s
    JOIN day_window AS d ON d.plant_id = s.plant_id AND (d.equipment_id = '*' OR s.equipment_id IN ('*', d.equipment_id))
        AND d.start_us < s.to_us + s.pad_us AND d.end_us > s.from_us - s.pad_us
    GROUP BY ALL;
"""
"""Production days, and the days of shift windows, that a span overlaps."""

LINES = """
INSERT INTO scope_day
    WITH member AS (
        SELECT plant_id, line_id, equipment_id FROM silver.line_station UNION SELECT plant_id, line_id, line_id FROM silver.line_station)
    SELECT DISTINCT m.plant_id, o.equipment_id, s.production_day, s.cause
    FROM scope_day AS s JOIN member AS m ON m.plant_id = s.plant_id AND m.equipment_id = s.equipment_id
    JOIN member AS o ON o.line_id = m.line_id
    WHERE o.equipment_id <> s.equipment_id;
"""
"""A line is made of all its stations: what makes one of them anew makes all of them and the line."""

OPEN = (
    LINES
    + """
INSERT INTO gold.change_scope
    SELECT DISTINCT s.plant_id, s.equipment_id, s.production_day, s.cause, 'OPEN', CAST($at AS TIMESTAMPTZ), NULL
    FROM scope_day AS s
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.change_scope AS o
        WHERE o.state = 'OPEN' AND o.plant_id = s.plant_id AND o.equipment_id = s.equipment_id AND o.cause = s.cause
            AND o.production_day IS NOT DISTINCT FROM s.production_day)
"""
)

# --- which files hold what belongs to a plant as a whole ---------------------------------------------------------------------------------

PLACE_MONTHS = """
SELECT DISTINCT plant_id, strftime(production_day + unnest([-35, -2, 0, 2, 35]), '%Y-%m') FROM gold.open_scope
WHERE production_day IS NOT NULL AND equipment_id IN ('*', '~' || plant_id)
"""
"""Intervals may be a month long, and count on the day of their middle."""

# --- which files hold what overlaps the scope -----------------------------------------------------------------------------------------

STRETCHES = """
CREATE OR REPLACE TEMP TABLE stretch AS
    WITH day AS (
        SELECT DISTINCT s.plant_id, s.equipment_id, s.production_day FROM gold.open_scope AS s WHERE s.production_day IS NOT NULL),
    extent AS (
        SELECT d.plant_id, d.equipment_id, min(w.start_us) AS from_us, max(w.end_us) AS to_us
        FROM day AS d JOIN day_window AS w ON w.plant_id = d.plant_id AND w.production_day = d.production_day
            AND (w.equipment_id = '*' OR d.equipment_id IN ('*', w.equipment_id))
        GROUP BY d.plant_id, d.equipment_id, d.production_day),
    numbered AS (
        SELECT *, sum(CASE WHEN from_us <= reached_us THEN 0 ELSE 1 END) OVER (PARTITION BY plant_id, equipment_id ORDER BY from_us, to_us
            ROWS UNBOUNDED PRECEDING) AS number
        FROM (SELECT *, max(to_us) OVER (PARTITION BY plant_id, equipment_id ORDER BY from_us, to_us
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached_us FROM extent))
    SELECT n.plant_id, n.equipment_id, min(n.from_us) AS from_us, max(n.to_us) AS to_us, coalesce(max(l.pad_us), 0) AS pad_us
    FROM numbered AS n LEFT JOIN loose AS l ON l.plant_id = n.plant_id GROUP BY n.plant_id, n.equipment_id, n.number;
"""
"""Per unit ('*': all of the plant) the days in scope with their shift windows, merged where they meet; `pad_us`: how loose its clocks are."""

EVENT_MONTHS = f"""
    WITH reach AS (
        SELECT *, greatest(last_us, coalesce(end_us, last_us)) AS reach_us,
            lead(first_us) OVER (PARTITION BY plant_id, equipment_id, source_system ORDER BY first_us) AS next_us,
            lag(last_us) OVER (PARTITION BY plant_id, equipment_id, source_system ORDER BY first_us) AS before_us
        FROM gold.event_reach WHERE plant_id IN (SELECT DISTINCT plant_id FROM stretch)),
    wanted AS (SELECT plant_id, equipment_id, from_us - {DAY_US} AS from_us, to_us + {DAY_US} AS to_us FROM stretch)
    SELECT DISTINCT r.plant_id, r.month FROM reach AS r JOIN wanted AS s ON s.plant_id = r.plant_id AND s.equipment_id IN ('*', r.equipment_id)
    WHERE (r.first_us < s.to_us AND r.reach_us >= s.from_us)
        OR (r.first_us < s.from_us AND coalesce(r.next_us >= s.from_us, true))
        OR (r.last_us >= s.to_us AND coalesce(r.before_us < s.to_us, true))
"""
"""Months that hold an event that touches a stretch, the last one before it, or the first one after it."""

COUNT_MONTHS = """
    WITH link AS (
        SELECT l.* FROM gold.count_link AS l JOIN stretch AS s ON s.plant_id = l.plant_id AND s.equipment_id IN ('*', l.equipment_id)
        WHERE (l.event_us >= s.from_us - s.pad_us AND l.event_us < s.to_us + s.pad_us)
            OR (l.root_us >= s.from_us - s.pad_us AND l.root_us < s.to_us + s.pad_us)),
    chain AS (
        SELECT l.plant_id, l.month, l.parent_month, l.parent_id, 1 AS steps FROM link AS l),
    up AS (
        SELECT * FROM chain
        UNION SELECT p.plant_id, p.month, p.parent_month, p.parent_id, 2 FROM chain AS c
            JOIN gold.count_link AS p ON p.plant_id = c.plant_id AND p.count_id = c.parent_id
        UNION SELECT q.plant_id, q.month, q.parent_month, q.parent_id, 3 FROM chain AS c
            JOIN gold.count_link AS p ON p.plant_id = c.plant_id AND p.count_id = c.parent_id
            JOIN gold.count_link AS q ON q.plant_id = p.plant_id AND q.count_id = p.parent_id
        UNION SELECT r.plant_id, r.month, r.parent_month, r.parent_id, 4 FROM chain AS c
            JOIN gold.count_link AS p ON p.plant_id = c.plant_id AND p.count_id = c.parent_id
            JOIN gold.count_link AS q ON q.plant_id = p.plant_id AND q.count_id = p.parent_id
            JOIN gold.count_link AS r ON r.plant_id = q.plant_id AND r.count_id = q.parent_id)
    SELECT plant_id, month FROM up UNION SELECT plant_id, parent_month FROM up WHERE parent_month IS NOT NULL
"""
"""Months of corrections that are booked, or stand, in a stretch, and of the documents that they correct."""

STRETCH_MONTHS = """
    SELECT DISTINCT plant_id, strftime(month, '%Y-%m') AS month FROM (
        SELECT plant_id, unnest(generate_series(date_trunc('month', make_timestamp(from_us - {before})),
            date_trunc('month', make_timestamp(to_us + {after})), INTERVAL 1 MONTH)) AS month FROM stretch)
"""

SPAN_TABLE_MONTHS = """
    SELECT DISTINCT r.plant_id, r.month FROM gold.span_reach AS r JOIN stretch AS s USING (plant_id)
    WHERE r.table_name = '{table}' AND r.first_us <= s.to_us AND r.end_us >= s.from_us
"""

SPREAD_MONTHS = f"""
    SELECT DISTINCT m.plant_id, m.month FROM gold.spread_month AS m JOIN stretch AS s USING (plant_id)
    WHERE m.month BETWEEN strftime(make_timestamp(s.from_us - {SPREAD_US}), '%Y-%m') AND strftime(make_timestamp(s.to_us + {SPREAD_US}), '%Y-%m')
"""
"""Months of counts whose interval, or the order that they confirm, may reach into a stretch."""

# --- what follows from an event that goes on beyond the scope -------------------------------------------------------------------------

EVENTS_NOW = f"""
CREATE OR REPLACE TEMP TABLE going AS
    WITH followed AS (
        SELECT e.plant_id, e.equipment_id, e.event_id, epoch_us(e.start_ts) - coalesce(c.offset_us, 0) AS start_us,
            epoch_us(w.data_to) - coalesce(c.offset_us, 0) AS told_us,
            coalesce(epoch_us(e.end_ts) - coalesce(c.offset_us, 0), lead(epoch_us(e.start_ts) - coalesce(c.offset_us, 0))
                OVER (PARTITION BY e.equipment_id, e._source_system ORDER BY e.start_ts, e.event_id)) AS until_us
        FROM silver.equipment_state_event AS e
        LEFT JOIN clock AS c ON c.plant_id = e.plant_id AND c.source_system = e._source_system
        LEFT JOIN silver.source_watermark AS w ON w.plant_id = e.plant_id AND w.source_system = e._source_system
        WHERE e.is_current AND NOT e.is_deleted AND e.plant_id IN (SELECT DISTINCT plant_id FROM stretch)),
    ended AS (SELECT *, least(coalesce(until_us, told_us), told_us) AS end_us FROM followed)
    SELECT e.plant_id, e.equipment_id, e.event_id, e.start_us, e.end_us, e.until_us, s.from_us, s.to_us, s.pad_us
    FROM ended AS e JOIN stretch AS s ON s.plant_id = e.plant_id AND s.equipment_id IN ('*', e.equipment_id)
        AND e.start_us < s.to_us + s.pad_us AND coalesce(e.until_us, e.end_us + 1) > s.from_us - s.pad_us - CASE WHEN e.plant_id IN (
            SELECT plant_id FROM silver.plant_setting WHERE flicker) THEN {DAY_US} ELSE 0 END
    WHERE e.start_us < s.from_us + s.pad_us OR e.end_us > s.to_us - s.pad_us OR e.until_us IS NULL OR e.until_us > e.told_us - s.pad_us;
"""
"""Events that reach out of a stretch, or up to the watermark."""

BEGUN = """
DELETE FROM gold.event_begun;
INSERT INTO gold.event_begun
    SELECT DISTINCT g.equipment_id, g.event_id FROM going AS g JOIN segment AS s
        ON s.equipment_id = g.equipment_id AND s.event_id = g.event_id AND s.is_first_segment AND epoch_us(s.start_ts) < g.from_us
    WHERE s.production_day BETWEEN {days} AND NOT EXISTS (
        SELECT 1 FROM gold.open_scope AS o WHERE o.plant_id = s.plant_id AND o.equipment_id IN ('*', s.equipment_id)
            AND (o.production_day IS NULL OR o.production_day = s.production_day));
"""
"""Events that own time before a stretch, on a day that stays as it is."""

FOLLOWERS = """
INSERT INTO scope_day
    SELECT DISTINCT s.plant_id, s.equipment_id, s.production_day, m.cause
    FROM going AS g JOIN moved AS m ON m.plant_id = g.plant_id AND g.start_us < m.to_us + g.pad_us
        AND coalesce(g.until_us, m.from_us + 1) > m.from_us - g.pad_us
    JOIN segment AS s ON s.equipment_id = g.equipment_id AND s.event_id = g.event_id AND s.is_first_segment
    WHERE s.production_day BETWEEN {days};
INSERT INTO span
    SELECT DISTINCT g.plant_id, g.equipment_id, g.to_us, greatest(g.end_us, g.to_us + 1), 0, 'event goes on'
    FROM going AS g JOIN span AS c ON c.plant_id = g.plant_id AND c.equipment_id IN ('*', g.equipment_id)
        AND g.start_us < c.to_us + g.pad_us AND g.end_us > c.from_us - g.pad_us AND c.cause <> 'watermark'
    WHERE g.end_us > g.to_us - g.pad_us AND NOT EXISTS (
        SELECT 1 FROM gold.event_begun AS b WHERE b.equipment_id = g.equipment_id AND b.event_id = g.event_id);
"""
"""The first day of an event that was open at the old watermark or ended on a day with another clock, because its length changed; and what comes after a stretch of an
event that first owns time within it: a failure is counted where its event first owns time, which may move."""

SHARED = f"""
INSERT INTO span
    WITH spread AS (
        SELECT q.plant_id, q.equipment_id, CASE WHEN q.start_ts IS NULL THEN q.order_id END AS order_id,
            epoch_us(q.event_ts) - coalesce(c.offset_us, 0) AS event_us, epoch_us(q.start_ts) - coalesce(c.offset_us, 0) AS start_us
        FROM silver.production_count AS q
        LEFT JOIN clock AS c ON c.plant_id = q.plant_id AND c.source_system = q._source_system
        WHERE q.is_current AND NOT q.is_deleted AND q.plant_id IN (SELECT plant_id FROM stretch) AND q.corrects_count_id IS NULL
            AND q.reverses_count_id IS NULL
            AND (q.start_ts < q.event_ts OR (q.start_ts IS NULL AND q.count_source = 'ERP_CONFIRMATION' AND q.order_id IS NOT NULL))),
    counted AS (
        SELECT plant_id, equipment_id, order_id, event_us, coalesce(start_us, max(event_us) OVER (PARTITION BY equipment_id, order_id
            ORDER BY event_us RANGE BETWEEN {SPREAD_US} PRECEDING AND 1 PRECEDING), event_us - {SPREAD_US}) AS from_us
        FROM spread),
    run AS (
        SELECT equipment_id, order_id, epoch_us(start_ts) AS start_us, epoch_us(end_ts) AS end_us FROM segment WHERE order_id IS NOT NULL
        UNION ALL
        SELECT e.equipment_id, e.order_id, epoch_us(e.start_ts) - coalesce(c.offset_us, 0), coalesce(epoch_us(e.end_ts), epoch_us(e.start_ts) + {DAY_US})
            - coalesce(c.offset_us, 0)
        FROM silver.equipment_state_event AS e LEFT JOIN clock AS c ON c.plant_id = e.plant_id AND c.source_system = e._source_system
        WHERE e.is_current AND NOT e.is_deleted AND e.order_id IS NOT NULL),
    touched AS (
        SELECT DISTINCT q.*, s.pad_us FROM counted AS q JOIN stretch AS s ON s.plant_id = q.plant_id AND s.equipment_id IN ('*', q.equipment_id)
            AND q.from_us < s.to_us + s.pad_us AND q.event_us >= s.from_us - s.pad_us
        WHERE q.order_id IS NULL OR q.event_us < s.to_us + s.pad_us OR EXISTS (
            SELECT 1 FROM run AS r WHERE r.equipment_id = q.equipment_id AND r.order_id = q.order_id AND r.start_us < s.to_us + s.pad_us
                AND r.end_us > s.from_us - s.pad_us)),
    of_order AS (
        SELECT q.*, g.production_day, epoch_us(g.start_ts) AS start_us
        FROM touched AS q JOIN segment AS g ON g.equipment_id = q.equipment_id AND g.order_id = q.order_id
        WHERE epoch_us(g.start_ts) < q.event_us + q.pad_us AND g.production_day >= CAST(make_timestamp(q.from_us) AS DATE) - 2)
    SELECT plant_id, equipment_id, from_us, event_us, 0, 'count goes on' FROM touched WHERE order_id IS NULL
    UNION SELECT plant_id, equipment_id, start_us, start_us + 1, 0, 'count goes on' FROM of_order
    UNION SELECT plant_id, equipment_id, event_us, event_us + 1, 0, 'count goes on' FROM of_order;
"""
"""The other days of counts that are spread over a day in scope: its run time decides their shares (rule T19)."""
