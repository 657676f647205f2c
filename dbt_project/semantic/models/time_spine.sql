-- Generated from kpis.yml by `python -m dbt_project.generate`. Published with each release; never built here.
select cast(unnest(generate_series(min(month), max(month) + interval 1 month - interval 1 day, interval 1 day)) as date) as date_day
from mart_kpi_unit_month
