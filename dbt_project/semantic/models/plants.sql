-- Generated from kpis.yml by `python -m dbt_project.generate`. Published with each release; never built here.
select plant_id, plant_name, company, country_code from plant
