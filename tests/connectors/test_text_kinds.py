"""Kinds of text are fuzzed: whatever networks, disks and editors do to their samples, bytes become a frame or an error with a mend."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import DAMAGE, damaged, reads_or_refuses
from test_connector_conformance import CASES, prepared

TEXT_KINDS = ("aveva_historian", "canary_csv", "influx", "pi_csv", "proficy_csv", "sap_spool", "sparkplug")
SIGNS = b",;|\t\"'\\=: *[]#-\r\n0aN\x00\xff\xc3"
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def seeds(kind: str) -> list[Path]:
    own = [case for case in CASES if case.parent.parent.name == kind]
    return [case for case in own if "error" not in yaml.safe_load(case.read_text(encoding="utf-8"))["expect"]]


@pytest.mark.parametrize("kind", TEXT_KINDS)
@FUZZ
@given(seed=st.integers(0, 2**32), damage=DAMAGE)
def test_damage_gives_a_frame_or_an_error_with_a_mend(
    kind: str, seed: int, damage: list[tuple[float, int, str, bytes]], tmp_path: Path
) -> None:
    chance = random.Random(seed)
    _, found, path, options, records = prepared(chance.choice(seeds(kind)), tmp_path)
    body = bytearray(damaged(path.read_bytes(), damage))
    for _ in range(chance.randrange(4)):
        if body:
            body[chance.randrange(len(body))] = chance.choice(SIGNS)
    path.write_bytes(bytes(body))
    reads_or_refuses(lambda: found.read(path, options, records))


@pytest.mark.parametrize("kind", TEXT_KINDS)
@pytest.mark.parametrize("sign", ['"', ",", "\\", "x"])
def test_a_line_of_one_sign_over_and_over_costs_itself_alone(kind: str, sign: str, tmp_path: Path) -> None:
    """Half a megabyte: a pattern that tries a thing twice would take hours."""
    _, found, path, options, records = prepared(seeds(kind)[0], tmp_path)
    path.write_bytes(path.read_bytes() + sign.encode() * (1 << 19) + b"\n")
    reads_or_refuses(lambda: found.read(path, options, records))
