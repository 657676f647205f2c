"""What runs when, and what is stored where: the lake, the export ledger, the refresh and the command line.

`lake` knows the paths, `lock` lets one writer in, `ledger` remembers what was delivered, `bronze` keeps bytes and parsed records,
`silver` keeps the canonical tables. Formats belong to `connectors`, meaning to `transforms`, KPIs to `dbt_project`.
"""
