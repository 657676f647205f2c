"""Great Expectations: suites made of checks, and which plants they do not pass.

Here: everything that imports Great Expectations. Elsewhere: the limits (`quality_checks.suites`), the process in which this runs
beside a refresh (`quality_checks.judging`), the results that are made of it (`quality_checks.runner`).

Great Expectations is large. Measured on 2 cores: `import great_expectations` takes 6.9 s of CPU, half of it for scipy, SQLAlchemy and
altair, none of which is used to hold a number against a limit; without them 3.5 s. Judging 184 expectations of 12 tables takes 1.8 s as
it comes, and 0.4 to 0.6 s when an expectation remembers its configuration and plants are asked for only where an expectation failed.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from quality_checks.checks import Check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from great_expectations import ExpectationSuite

Columns = Mapping[str, Sequence[Any]]
"""A profile with one row per plant: `plant_id`, and one column per measure (NULL: nothing to measure)."""

LATE = ("altair", "scipy", "scipy.stats")
"""Imported by Great Expectations for charts and distribution tests; here they are loaded when somebody touches them."""
ABSENT = "sqlalchemy"
"""An optional part of Great Expectations: without it there are no SQL data sources, and none is used."""


def failing(checks: Mapping[str, Sequence[Check]], found: Mapping[str, Columns]) -> dict[str, dict[str, list[str]]]:
    """The plants that break a limit, by table and name of the check; checks that all plants pass are left out.

    Raises RuntimeError when an expectation could not be evaluated: an error is no judgement.
    """
    validate = _validator()
    return {table: validate(table, checks[table], columns) for table, columns in found.items()}


def suite(table: str, checks: Sequence[Check]) -> ExpectationSuite:
    """The Great Expectations suite of a table over its profile (one row per plant, one column per measure)."""
    gx = great_expectations()
    from great_expectations.expectations.metadata_types import FailureSeverity

    expectations = [
        _within_limits()(
            column=check.measure,
            min_value=check.low,
            max_value=check.high,
            severity=FailureSeverity.CRITICAL if check.severity == "blocking" else FailureSeverity.WARNING,
            notes=check.reason,
            meta={
                "check": check.name, "rung": check.rung, "severity": check.severity, "reason": check.reason, "owner": check.owner,
                "review": check.review.isoformat(),
            },
        )
        for check in checks
    ]  # fmt: skip
    made: ExpectationSuite = gx.ExpectationSuite(name=table, expectations=expectations)
    return made


def great_expectations() -> Any:
    """The module, imported without what it does not need here; its usage statistics are switched off before."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    if "great_expectations" not in sys.modules:
        with _slim():
            importlib.import_module("great_expectations")
    return sys.modules["great_expectations"]


@contextmanager
def _slim() -> Iterator[None]:
    """Imports inside do without SQLAlchemy and put off altair and scipy; what is imported already stays as it is.

    For a process, or a moment, in which nobody else imports: the judging process, before its first answer.
    """
    hidden = ABSENT not in sys.modules
    if hidden:
        sys.modules[ABSENT] = None  # type: ignore[assignment]  # the documented way to make an import fail
    finder = _Later()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if hidden:
            del sys.modules[ABSENT]


class _Later(MetaPathFinder):
    """Finds the modules of `LATE` so that they load at the first access to an attribute (importlib.util.LazyLoader)."""

    def __init__(self) -> None:
        self.searching = False

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if self.searching or fullname not in LATE:
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.searching = False
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


@cache
def _within_limits() -> Any:
    """`ExpectColumnValuesToBeBetween` that makes its configuration once: it asks for it 170 times a validation."""
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween

    class ExpectMeasureWithinLimits(ExpectColumnValuesToBeBetween):
        """Every plant's measure lies within the limits of the check. Not changed after it was made."""

        class Config:
            underscore_attrs_are_private = True

        _made: Any = None

        @property
        def configuration(self) -> Any:
            if self._made is None:
                self._made = super().configuration
            return self._made

    return ExpectMeasureWithinLimits


def _validator() -> Any:
    """A function (table, checks, profile) -> plants that fail, by check name; all tables share one ephemeral context."""
    gx = great_expectations()
    import pandas as pd  # type: ignore[import-untyped]
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    whole = context.data_sources.add_pandas("profiles").add_dataframe_asset("profile").add_batch_definition_whole_dataframe("all")

    def validate(table: str, checks: Sequence[Check], columns: Columns) -> dict[str, list[str]]:
        measures = {name: pd.array(values, dtype="float64" if name != "plant_id" else "object") for name, values in columns.items()}
        batch = whole.get_batch({"dataframe": pd.DataFrame(measures)})
        passed = _answers(table, batch.validate(suite(table, checks), result_format={"result_format": "BOOLEAN_ONLY"}))
        broken = [check for check in checks if not passed[check.name].success]
        if not broken:
            return {}
        named = _answers(table, batch.validate(suite(table, broken), result_format=NAME_THE_PLANTS))
        return {name: [row["plant_id"] for row in answer.result["unexpected_index_list"]] for name, answer in named.items()}

    return validate


NAME_THE_PLANTS = {
    "result_format": "COMPLETE", "unexpected_index_column_names": ["plant_id"], "return_unexpected_index_query": False,
}  # fmt: skip


def _answers(table: str, report: Any) -> dict[str, Any]:
    """The results of a validation by name of the check."""
    answers = {result.expectation_config.meta["check"]: result for result in report.results}
    for name, answer in answers.items():
        trouble = answer.exception_info or {}
        raised = [trouble] if "raised_exception" in trouble else trouble.values()  # one, or one a metric
        if any(one.get("raised_exception") for one in raised):
            raise RuntimeError(f"Great Expectations could not judge {table}.{name}: {trouble}")
    return answers
