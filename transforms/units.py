"""Units: what a plant calls a unit, in UCUM, with the factor to the lake's canonical unit of its dimension.

Here: common spellings, parsing through ucumvert and pint, factors. Elsewhere: a plant's own spellings
(`vocabularies/unit_aliases.csv`), which column has which unit (the plant file), pieces per kilogram of a material (dbt).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from connectors.errors import ConfigError, Problem, closest

PIECE = "{piece}"

SPELLINGS: dict[str, str] = {
    "pc": PIECE,
    "pcs": PIECE,
    "piece": PIECE,
    "pieces": PIECE,
    "ea": PIECE,
    "nos": PIECE,
    "each": PIECE,
    "st": PIECE,
    "stk": PIECE,
    "stück": PIECE,
    "pce": PIECE,
    "unit": PIECE,
    "units": PIECE,
    "pza": PIECE,
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "oz": "[oz_av]",
    "ton": "t",
    "tonne": "t",
    "to": "t",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "yd": "[yd_i]",
    "gal": "[gal_us]",
    "foz": "[foz_us]",
    "ft3": "[cft_i]",
    "yd3": "[cyd_i]",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hr": "h",
    "hrs": "h",
    "hour": "h",
    "hours": "h",
    "std": "h",
    "day": "d",
    "days": "d",
    "°c": "Cel",
    "degc": "Cel",
    "c": "Cel",
    "°f": "[degF]",
    "degf": "[degF]",
    "rpm": "/min",
    "1/min": "/min",
    "pcs/h": "/h",
    "pcs/hr": "/h",
    "pcs/min": "/min",
    "wh": "W.h",
    "kwh": "kW.h",
    "mwh": "MW.h",
    "gwh": "GW.h",
    "btu": "[Btu]",
    "therm": "100000.[Btu]",
    "kw": "kW",
    "w": "W",
    "v": "V",
    "a": "A",
    "bar": "bar",
    "psi": "[psi]",
    "l/min": "L/min",
    "ltr": "L",
    "lt": "L",
    "millimeter": "mm",
    "degree": "deg",
    "percent": "%",
    "m3": "m3",
    "g": "g",
    "kg": "kg",
    "km/h": "km/h",
    "m/s": "m/s",
    # units and nativeUnits of MTConnect that are spelled out
    "ampere": "A",
    "celsius": "Cel",
    "count": PIECE,
    "degree/second": "deg/s",
    "fahrenheit": "[degF]",
    "foot": "[ft_i]",
    "hertz": "Hz",
    "inch": "[in_i]",
    "inch/minute": "[in_i]/min",
    "joule": "J",
    "kilogram": "kg",
    "kilowatt": "kW",
    "liter": "L",
    "liter/second": "L/s",
    "millimeter/minute": "mm/min",
    "millimeter/second": "mm/s",
    "millimeter/second^2": "mm/s2",
    "newton": "N",
    "newton_meter": "N.m",
    "pascal": "Pa",
    "pound": "[lb_av]",
    "revolution/minute": "/min",
    "volt": "V",
    "volt_ampere": "V.A",
    "watt": "W",
    "watt_second": "W.s",
}
"""Spellings seen in exports that are not UCUM, in lower case."""

ENERGY = "[mass] * [length] ** 2 / [time] ** 2"
CANONICAL: dict[str, str] = {
    "[mass]": "kg", "[length]": "m", "[length] ** 2": "m2", "[length] ** 3": "L", "[time]": "s", ENERGY: "kW.h",
}  # fmt: skip
"""The lake's unit of each dimension."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit with its UCUM code, the canonical unit of its dimension and the factor to it."""

    ucum: str
    canonical: str
    factor: float
    dimension: str


@cache
def _registry() -> Any:
    import logging

    from ucumvert import PintUcumRegistry

    logging.getLogger("ucumvert").setLevel(logging.ERROR)
    return PintUcumRegistry()


@cache
def _unit(code: str) -> Unit:
    if code in (PIECE, "1"):
        return Unit(PIECE, PIECE, 1.0, "dimensionless")
    if re.fullmatch(r"\{[^{}\s]+\}", code):
        return Unit(code, code, 1.0, code)
    quantity = _registry().from_ucum(code)
    dimension = str(quantity.dimensionality)
    target = CANONICAL.get(dimension)
    if target is not None:
        return Unit(code, target, _clean(quantity.to(_registry().from_ucum(target)).magnitude), dimension)
    if dimension == "dimensionless":
        return Unit(code, PIECE, _clean(quantity.to_base_units().magnitude), dimension)
    return Unit(code, code, 1.0, dimension)


def _clean(factor: float) -> float:
    """The factor without the last bits that a chain of conversions leaves."""
    return float(f"{factor:.13g}")


def unit(text: str, aliases: Mapping[str, str] | None = None, *, of: str | None = None) -> Unit:
    """The unit that `text` names, by the plant's aliases, common spellings, then UCUM.

    A package such as {drum} is a unit of its own: how many pieces or kilograms are in it, `uom_conversion` may tell for a material.
    Raises ConfigError with the closest spelling when it is none of them, or is converted to another unit than `of`.

    >>> unit("lb").factor, unit("min").canonical, unit("Stk").ucum, unit("MWh").factor
    (0.45359237, 's', '{piece}', 1000.0)
    """
    word = text.strip()
    code = (aliases or {}).get(word) or SPELLINGS.get(word.lower(), word)
    try:
        found = _unit(code)
    except Exception as error:  # ucumvert and pint raise several unrelated types for what is not a unit
        known = [*(aliases or {}), *SPELLINGS]
        raise ConfigError(
            Problem(f"'{text}' is not a known unit.", found=text, closest=closest(word, known),
                    fix="a UCUM code (kg, h, {piece}, 1/h), or a line in vocabularies/unit_aliases.csv")
        ) from error  # fmt: skip
    if of is not None and found.canonical != of:
        raise ConfigError(Problem(f"'{text}' cannot be converted to {of}.", found=text, fix=f"a unit of the same kind as {of}"))
    return found


def seconds_per_item(text: str, aliases: Mapping[str, str] | None = None) -> tuple[float, bool]:
    """Factor of an ideal time per piece, and whether the number is a rate that has to be inverted first.

    >>> seconds_per_item("min"), seconds_per_item("1/h")
    ((60.0, False), (3600.0, True))
    """
    found = unit(text, aliases)
    if found.dimension == "[time]":
        return found.factor, False
    if found.dimension == "1 / [time]":
        return _clean(1.0 / _registry().from_ucum(found.ucum).to("1/s").magnitude), True
    raise ConfigError(
        Problem(f"'{text}' is neither a time per piece nor pieces per time.", found=text, fix="unit: s, min, h, 1/min or 1/h")
    )
