"""History of OPC UA: a real server with its history in SQLite, and the ways in which one may be slow, shy or gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytest.importorskip("asyncua", reason="extra opcua")

from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID
from opcua_plant import DAY, TICK, URI, Plant, Users, plant_at
from plant_servers import PASSWORD, USER, hanging
from postgres_server import free_port

from connectors.contract import Export, Place
from connectors.errors import ReadError, UnreachableError
from connectors.kinds.historians.opcua_ha import CONNECTOR, OpcUaOptions
from connectors.windows import Asked


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """M1.Speed has twelve values from 06:00 on, a minute apart; M2.Speed three; M1.State text."""
    with plant_at(tmp_path_factory.mktemp("opcua")) as made:
        for minute in range(12):
            made.add("M1.Speed", DAY + timedelta(hours=6, minutes=minute), minute / 10)
        made.add("M1.Speed", DAY + timedelta(hours=7), 1.5, 0x808C0000)
        made.add("M1.Speed", DAY + timedelta(hours=7, minutes=1), 1.5, 0x40900000)
        for hour in (23, 24, 25):
            made.add("M2.Speed", DAY + timedelta(hours=hour), hour)
        made.add("M1.State", DAY + timedelta(hours=6), "Läuft", kind=ua.VariantType.String)
        made.add("M1.State", DAY + timedelta(hours=7), 0.1, kind=ua.VariantType.Float)
        made.add("M1.State", DAY + timedelta(hours=8), 2**63, kind=ua.VariantType.UInt64)
        made.add("M1.State", DAY + timedelta(hours=9), True, kind=ua.VariantType.Boolean)
        yield made


def place(url: str, path: str = "Line1/*/Speed", connection: dict[str, Any] | None = None, **options: Any) -> Place:
    return Place(url, path, OpcUaOptions.model_validate(options), connection or {})


def day(where: Place, folder: Path, start: datetime = DAY, length: timedelta = timedelta(days=1)) -> pl.DataFrame:
    """What the server has of a window."""
    name = Asked("line", datetime.now(UTC), start, start + length).name
    CONNECTOR.fetch(Export(where.root, name), where, folder / "answer.parquet")
    return CONNECTOR.read(folder / "answer.parquet", where.options).collect().sort("tag", "node_id", "timestamp")


def test_windows_that_are_due() -> None:
    today = datetime.now(UTC).date()
    where = place("opc.tcp://h", start=today - timedelta(days=2), window="1d", lookback="2h")
    first, second, *rest = CONNECTOR.discover(where)
    assert len(rest) in {0, 1}  # the day that goes on; none at midnight
    again = list(CONNECTOR.discover(replace(where, last=second.name)))
    assert again == []  # not before `every`
    assert first.name < second.name
    with pytest.raises(ReadError, match=r"options\.start"):
        list(CONNECTOR.discover(place("opc.tcp://h")))


def test_every_value_of_the_window_and_none_beyond_it(plant: Plant, tmp_path: Path) -> None:
    """The server gives five values a page; M2's values at 24:00 and 25:00 are of the next day."""
    found = day(place(plant.url), tmp_path)
    m1 = found.filter(pl.col("path") == "Line1/M1/Speed")
    assert m1["timestamp"].to_list()[:12] == [DAY + TICK + timedelta(hours=6, minutes=minute) for minute in range(12)]
    assert [float(value) for value in m1["value"].to_list()[:12]] == [minute / 10 for minute in range(12)]
    assert found.filter(pl.col("path") == "Line1/M2/Speed")["value"].to_list() == ["23.0"]
    following = day(place(plant.url), tmp_path, DAY + timedelta(days=1)).filter(pl.col("path") == "Line1/M2/Speed")
    assert following["value"].to_list() == ["24.0", "25.0"]


def test_a_value_with_its_quality_and_units(plant: Plant, tmp_path: Path) -> None:
    found = day(place(plant.url, "Line1/M1/Speed"), tmp_path)
    bad, uncertain = found.tail(2).to_dicts()
    assert bad | {"_row": 0} == {
        "_row": 0, "tag": "Speed", "node_id": "ns=2;i=11", "path": "Line1/M1/Speed", "timestamp": DAY + TICK + timedelta(hours=7),
        "server_timestamp": DAY + TICK + timedelta(hours=7, seconds=1), "value": None, "value_type": "Double", "units": "m/s", "quality": "BAD",
        "quality_code": 0x808C0000, "quality_text": "BadSensorFailure", "_surplus": None, "_unreadable": None,
    }  # fmt: skip
    assert (uncertain["quality"], uncertain["quality_text"], uncertain["value"]) == ("UNCERTAIN", "UncertainLastUsableValue", "1.5")
    assert found.row(0, named=True)["quality"] == "GOOD"


def test_values_of_all_types_keep_their_digits(plant: Plant, tmp_path: Path) -> None:
    found = day(place(plant.url, "any", nodes=["ns=2;i=12"]), tmp_path)
    assert found.select("value", "value_type").rows() == [
        ("Läuft", "String"), ("0.1", "Float"), ("9223372036854775808", "UInt64"), ("true", "Boolean"),
    ]  # fmt: skip


def test_patterns_and_ids(plant: Plant, tmp_path: Path) -> None:
    for where, paths in [
        (place(plant.url, "Line1/M1/*"), {"Line1/M1/Speed", "Line1/M1/State"}),
        (place(plant.url, "**/Speed"), {"Line1/M1/Speed", "Line1/M2/Speed"}),
        (place(plant.url, "Line1/**"), {"Line1/M1/Speed", "Line1/M1/State", "Line1/M2/Speed"}),  # of M2/State there is no history
    ]:
        assert set(day(where, tmp_path)["path"]) == paths
    found = day(place(plant.url, "any", nodes=[f"nsu={URI};i=11", "ns=2;i=21"]), tmp_path)
    assert set(found["node_id"]) == {f"nsu={URI};i=11", "ns=2;i=21"}
    assert set(found["tag"]) == {"Speed"}


@pytest.mark.parametrize("size", [0, 1, 3, 4, 100])
def test_pages_of_any_size_give_the_same(plant: Plant, tmp_path: Path, size: int) -> None:
    """asyncua's server names no point to continue from where a page is full by the client's own number."""
    found = day(place(plant.url, "Line1/M1/Speed", page_size=size, in_flight=1), tmp_path)
    assert found["timestamp"].is_unique().all()
    assert len(found) == 14


def test_a_stamp_that_fills_a_page(plant: Plant, tmp_path: Path) -> None:
    before = DAY - timedelta(days=20)
    for number in range(4):
        plant.add("M1.Speed", before + timedelta(hours=6), number)
    plant.add("M1.Speed", before + timedelta(hours=7), 9)
    found = day(place(plant.url, "Line1/M1/Speed", page_size=2), tmp_path, before)
    assert found["value"].to_list() == ["0.0", "1.0", "2.0", "3.0", "9.0"]


def test_one_variable_that_cannot_be_read_is_a_record(plant: Plant, tmp_path: Path) -> None:
    where = place(plant.url, "any", nodes=["ns=2;i=11", "ns=2;s=Gone", "ns=2;i=22"])
    found = day(where, tmp_path)
    (lost,) = found.drop_nulls("_unreadable").select("node_id", "_surplus", "_unreadable").rows()
    assert lost == ("ns=2;s=Gone", "ns=2;s=Gone", "the history of ns=2;s=Gone cannot be read: BadNodeIdUnknown")
    assert len(found.filter(pl.col("_unreadable").is_null())) == 14
    quiet = day(replace(where, options=OpcUaOptions(nodes=("ns=2;s=Gone", "ns=2;i=11"))), tmp_path, DAY - timedelta(days=9))
    assert quiet["node_id"].to_list() == ["ns=2;s=Gone"]  # the other was read, and had nothing


def test_what_is_not_there_is_told(plant: Plant, tmp_path: Path) -> None:
    for where, message, near in [
        (place(plant.url, "Line1/M3/Speed"), "No variable with history", None),
        (place(plant.url, "Line1/M1/Sped"), "No variable with history", "Speed"),
        (place(plant.url, "x", nodes=["nsu=http://acme.example/plcs;s=A"]), "no such namespace", URI),
        (place(plant.url, "x", nodes=["Line1.Speed"]), "no id of a node", None),
        (place(plant.url, "x", nodes=["ns=2;s=Gone"]), "no history of any variable", None),
    ]:
        with pytest.raises(ReadError) as caught:
            day(where, tmp_path)
        assert message in str(caught.value)
        assert caught.value.problems[0].closest == near


def test_a_user_and_its_password(tmp_path: Path) -> None:
    with plant_at(tmp_path, Users()) as own:
        own.add("M1.Speed", DAY, 1.0)
        assert len(day(place(own.url, connection={"user": USER, "password": PASSWORD}), tmp_path)) == 1
        for connection in ({"user": USER, "password": "not-it-secret"}, {}):
            with pytest.raises(ReadError, match="refuses the credentials") as caught:
                day(place(own.url, connection=connection), tmp_path)
            assert "not-it-secret" not in str(caught.value)


def test_a_server_that_is_not_there_or_hangs(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="does not take the connection"):
        day(place(f"opc.tcp://127.0.0.1:{free_port()}"), tmp_path)
    with pytest.raises(UnreachableError, match="host is not known"):
        day(place("opc.tcp://no-such-host.invalid:4840"), tmp_path)
    began = datetime.now(UTC)
    with hanging() as server, pytest.raises(UnreachableError, match="hangs"):
        day(place(f"opc.tcp://{server}", connection={"timeout_s": 0.5}), tmp_path)
    assert datetime.now(UTC) - began < timedelta(seconds=8)


@pytest.mark.parametrize(("is_silent", "message"), [(True, "hangs"), (False, "The connection broke")])
def test_a_server_that_fails_in_the_middle_gives_no_answer(plant: Plant, tmp_path: Path, *, is_silent: bool, message: str) -> None:
    read, pages = plant.store.read_node_history, 0

    async def failing(*words: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages == 2 and not is_silent:
            for client in plant.server.bserver.clients:
                client.transport.abort()
        await asyncio.sleep(2 if pages == 2 and is_silent else 0)
        return await read(*words)

    where = place(plant.url, "Line1/M1/Speed", {"timeout_s": 0.7})
    plant.store.read_node_history = failing  # type: ignore[method-assign]
    try:
        with pytest.raises(ReadError, match=message) as caught:
            day(where, tmp_path)
    finally:
        plant.store.read_node_history = read  # type: ignore[method-assign]
    assert (pages, caught.value.problems[0].actor) == (2, "retry")
    assert len(day(where, tmp_path)) == 14


def test_a_certificate_signs_and_encrypts(tmp_path: Path) -> None:
    """The key stands by reference: what arrives is its text."""
    for name, use in (("server", ExtendedKeyUsageOID.SERVER_AUTH), ("client", ExtendedKeyUsageOID.CLIENT_AUTH)):
        names = (tmp_path / f"{name}.pem", tmp_path / f"{name}.der", f"urn:acme:{name}", "127.0.0.1", [use], {"commonName": name})
        asyncio.run(setup_self_signed_certificate(*names))
    with plant_at(tmp_path, keys=(tmp_path / "server.der", tmp_path / "server.pem")) as own:
        own.add("M1.Speed", DAY, 1.0)
        key = {"certificate": str(tmp_path / "client.der"), "private_key": (tmp_path / "client.pem").read_text()}
        assert len(day(place(own.url, connection=key), tmp_path)) == 1
        with pytest.raises(ReadError) as caught:
            day(place(own.url), tmp_path)
        assert caught.value.problems[0].actor == "retry"
        with pytest.raises(ReadError, match="certificate or its key cannot be used"):
            day(place(own.url, connection=key | {"private_key": "none.pem"}), tmp_path)


def test_a_start_is_a_day() -> None:
    assert OpcUaOptions.model_validate({"start": "2026-01-31"}).start == date(2026, 1, 31)
