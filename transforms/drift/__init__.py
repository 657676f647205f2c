"""What changes in the exports of a source, found by comparing small profiles of them: pure functions, no files.

Here: the profile of an export (`profile`), what a plant file uses (`uses`), which column is which (`matching`), numbers and times that
moved (`moved`), new words (`words`), the comparison (`compare`), the edit of the plant file that a change asks for (`edits`). Elsewhere:
where profiles and findings are kept (`pipelines.drift_store`), which exports are compared (`pipelines.drift`), the command
(`pipelines.cli_drift`).
"""
