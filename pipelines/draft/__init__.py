"""Drafts a plant file from sample exports.

The way: `files` (which exports belong together) → `looks` (kind, options and records of one export) → `facts` and `times` (what the
columns hold) → `tables` (which canonical columns they are) → `plant_yaml` (the text of the plant file); `drafting` goes it. `names` and
`words/` know what columns, states and reasons are called in six languages. All but `files` and `drafting` are pure functions.
Elsewhere: the command (`pipelines.cli_draft`), the kinds (`connectors.kinds`), the canonical tables (`transforms.tables`).
"""
