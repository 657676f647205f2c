"""Units: what plants write, in UCUM, with the factor to the canonical unit of the dimension."""

from __future__ import annotations

import pytest

from connectors.errors import ConfigError
from transforms.units import seconds_per_item, unit


@pytest.mark.parametrize(
    ("text", "canonical", "factor"),
    [
        ("kg", "kg", 1.0), ("g", "kg", 0.001), ("t", "kg", 1000.0), ("lb", "kg", 0.45359237), ("LBS", "kg", 0.45359237),
        ("min", "s", 60.0), ("h", "s", 3600.0), ("Std", "s", 3600.0), ("ms", "s", 0.001),
        ("pcs", "{piece}", 1.0), ("Stk", "{piece}", 1.0), ("EA", "{piece}", 1.0), ("{piece}", "{piece}", 1.0),
        ("mm", "m", 0.001), ("ft", "m", 0.3048), ("L", "L", 1.0), ("m3", "L", 1000.0),
    ],
)  # fmt: skip
def test_a_unit_has_a_canonical_one_and_a_factor(text: str, canonical: str, factor: float) -> None:
    found = unit(text)
    assert (found.canonical, found.factor) == (canonical, pytest.approx(factor))


def test_a_plants_own_spelling_comes_first() -> None:
    assert unit("Karton", {"Karton": "{piece}"}).canonical == "{piece}"


def test_a_package_is_a_unit_of_its_own() -> None:
    """SAP's DR is a drum, by a line of unit_aliases.csv; nothing is said of what is in it."""
    drum = unit("DR", {"DR": "{drum}"})
    assert (drum.canonical, drum.factor) == ("{drum}", 1.0)
    with pytest.raises(ConfigError, match="cannot be converted to kg"):
        unit("DR", {"DR": "{drum}"}, of="kg")


def test_an_unknown_unit_names_the_closest_spelling() -> None:
    with pytest.raises(ConfigError) as caught:
        unit("pices")
    assert caught.value.problems[0].closest in ("pieces", "pcs", "piece")
    assert "unit_aliases.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"), [("s", (1.0, False)), ("min", (60.0, False)), ("1/h", (3600.0, True)), ("pcs/min", (60.0, True))]
)
def test_an_ideal_rate_is_a_time_per_piece_or_pieces_per_time(text: str, expected: tuple[float, bool]) -> None:
    assert seconds_per_item(text) == expected


def test_a_mass_is_no_ideal_rate() -> None:
    with pytest.raises(ConfigError, match="neither a time per piece"):
        seconds_per_item("kg")
