"""What MTConnect observations tell: execution states, part-count steps, and the options that name their data items.

Here: everything that does not depend on how observations are written down. Elsewhere: SHDR text
(`connectors.kinds.machines.mtconnect_shdr`), documents of agents (`connectors.kinds.machines.mtconnect`), the rule of counters
(`transforms.counters`).

Observations are a frame with _row, timestamp, device, data_item, type, sub_type, component, value and unavailable; name and
reset_triggered where the format has them.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from pydantic import Field

from connectors.contract import ROW
from connectors.errors import Problem, ReadError, closest, listed
from connectors.strict import StrictModel
from transforms.clock import parse_timestamps
from transforms.counters import counter_deltas

UNAVAILABLE = "UNAVAILABLE"
NO_RESET = "NOT_SPECIFIED"
"""What some agents write where nothing was reset."""


class ItemOptions(StrictModel):
    """Which data items states and counts are made of."""

    execution: str | None = None
    """Data item of the execution state; default: the one of type EXECUTION, else 'execution'."""
    controller_mode: str | None = None
    """Data item of the controller mode; default: the one of type CONTROLLER_MODE, else 'mode'."""
    with_mode: bool = False
    """Whether `states` has a row at each change of the controller mode too, with the execution that stands then."""
    part_count: tuple[str, ...] = ()
    """Data items that count parts; default: those of type PART_COUNT."""
    part_count_modulus: int | None = Field(default=None, gt=1)
    """At how many the part counters begin again at 0, such as 65536 for 16 bits; default: a lower reading is a reset."""


def refuse_unknown_items(options: ItemOptions, known: Sequence[str], export: str) -> None:
    """Raises ReadError for a data item in the options that neither Devices.xml nor the export has, naming the closest."""
    single = {"execution": _stated(options.execution), "controller_mode": _stated(options.controller_mode)}
    stated = {**single, "part_count": options.part_count}
    lost = [(option, name) for option, names in stated.items() for name in names if name not in known]
    if lost:
        option, name = lost[0]
        near = closest(name, known)
        told = f"Neither Devices.xml nor {export} has the data item '{name}'."
        raise ReadError(Problem(told, found=listed(known), closest=near, fix=f"options.{option}: {near or '<name of a data item>'}"))


def _of(observations: pl.DataFrame, stated: Sequence[str], kind: str, usual: Sequence[str]) -> pl.DataFrame:
    """Observations of the data items that are stated, else of a type, else of a usual name, with their instant `at`."""
    typed = pl.col("type") == kind
    by_type = not stated and bool(observations.select(typed.any()).item())
    found = observations.filter(typed if by_type else _named(observations, list(stated or usual)))
    moments = parse_timestamps(found["timestamp"])
    return found.with_columns(moments.select((pl.col("naive") - pl.duration(seconds=pl.col("offset_s").fill_null(0))).alias("at"))["at"])


def _named(observations: pl.DataFrame, names: list[str]) -> pl.Expr:
    """Observations of data items by their identifier; where a format tells the name beside the id, by either."""
    return pl.any_horizontal(pl.col(key).is_in(names) for key in ("data_item", "name") if key in observations.columns)


def _stated(name: str | None) -> tuple[str, ...]:
    return (name,) if name else ()


def states(observations: pl.DataFrame, options: ItemOptions) -> pl.DataFrame:
    """Observations of the execution items in the order of the file, each with the controller mode as of its instant.

    A machine with several paths has several execution items; each takes the mode of its own path where modes are told by path.
    """
    execution = _of(observations, _stated(options.execution), "EXECUTION", ("execution",))
    mode = _of(observations, _stated(options.controller_mode), "CONTROLLER_MODE", ("mode", "controllermode"))
    by_path = mode["component"].null_count() == 0 and mode["component"].is_in(execution["component"].unique().implode()).all()
    path = pl.concat_str(pl.col("device").fill_null(""), pl.col("component").fill_null("") if by_path else pl.lit(""), separator="|")
    execution = execution.with_columns(path.alias("path")).rename({"value": "execution"}).sort("at", ROW, nulls_last=True)
    mode = mode.drop_nulls("at").with_columns(path.alias("path")).rename({"value": "controller_mode"}).sort("at", ROW)
    told = mode.select("path", "at", "controller_mode").unique(["path", "at"], keep="last", maintain_order=True)
    rows = execution.join_asof(told, on="at", by="path", check_sortedness=False)
    if options.with_mode:
        rows = pl.concat([rows, _mode_changes(execution, told, mode)], how="diagonal")
    ordered = rows.sort(ROW, "data_item").drop(ROW).with_row_index(ROW, offset=1)
    return ordered.select(pl.col(ROW).cast(pl.Int64), "timestamp", "device", "data_item", "execution", "controller_mode")


def _mode_changes(execution: pl.DataFrame, told: pl.DataFrame, mode: pl.DataFrame) -> pl.DataFrame:
    """Changes of the mode as rows of each execution item of the path; none where the item says something itself or nothing yet."""
    stamps = mode.select("path", "at", "timestamp", ROW).unique(["path", "at"], keep="last", maintain_order=True)
    changed = told.filter(pl.col("controller_mode").ne_missing(pl.col("controller_mode").shift(1).over("path")))
    items = execution.select("path", "device", "data_item").unique(maintain_order=True)
    rows = changed.join(stamps, on=["path", "at"]).join(items, on="path").join(execution, on=["path", "data_item", "at"], how="anti")
    states = execution.drop_nulls("at").select("path", "data_item", "at", "execution")
    return rows.sort("at").join_asof(states, on="at", by=["path", "data_item"], check_sortedness=False).drop_nulls("execution")


def counts(observations: pl.DataFrame, options: ItemOptions) -> pl.DataFrame:
    """Steps of the part counters; none where a counter never moves, because unknown is not zero."""
    counted = _of(observations, options.part_count, "PART_COUNT", ("PartCountAct", "part_count", "partcount")).filter(
        ~pl.col("unavailable")
    )
    counted = counted.with_columns(pl.col("value").str.strip_chars())
    timed = counted.drop_nulls("at").unique(["device", "data_item", "at", "value"], keep="first", maintain_order=True)
    steps = _steps(timed, options.part_count_modulus)
    timeless = counted.filter(pl.col("at").is_null()).with_columns(pl.col("value").cast(pl.Float64, strict=False).alias("total"))
    ordered = pl.concat([steps, timeless], how="diagonal").sort(ROW).drop(ROW).with_row_index(ROW, offset=1)
    return ordered.select(
        pl.col(ROW).cast(pl.Int64), "timestamp", "device", "data_item", "sub_type", "delta", "total", pl.col("reset").fill_null(False)
    )


def _steps(timed: pl.DataFrame, modulus: int | None) -> pl.DataFrame:
    """Steps of counters; where the source tells a reset, the reading after it counts from 0 even when it is no lower than the last."""
    by = ["device", "data_item"]
    if "reset_triggered" not in timed.columns:
        return counter_deltas(timed.lazy(), by=by, order=["at", ROW], value="value", modulus=modulus).collect()
    told = pl.col("reset_triggered").fill_null(NO_RESET) != NO_RESET
    timed = timed.sort("at", ROW).with_columns(told.cum_sum().over(by).alias("since"), told.alias("told"))
    steps = counter_deltas(timed.lazy(), by=[*by, "since"], order=["at", ROW], value="value", modulus=modulus).collect()
    total = pl.col("value").cast(pl.Float64, strict=False)
    first = timed.filter("told").with_columns(total.alias("delta"), total.alias("total"), pl.lit(True).alias("reset"))
    return pl.concat([steps, first.filter((pl.col("delta") > 0) & pl.col("delta").is_finite())], how="diagonal")
