"""The readers' side of the lake: what leaves the private build database, and in which form.

Here: the snapshot (`publish.snapshot`) and reading it (`publish.reader`). Elsewhere: everything before gold.
"""
