"""An OPC UA server of a test's own: a line of two machines, whose history is in SQLite.

Here: the server and values in its store. Elsewhere: what is asked of it (`connectors/test_opcua_ha.py`, `pipelines/test_opcua_source.py`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.history_sql import HistorySQLite
from asyncua.server.user_managers import UserManager
from plant_servers import PASSWORD, USER
from postgres_server import free_port

DAY = datetime(2026, 11, 19, tzinfo=UTC)
TICK = timedelta(microseconds=500)
"""Of every stamp, because asyncua's store cannot read whole seconds back."""
URI = "http://acme.example/plc"
IDS = {"M1.Speed": 11, "M1.State": 12, "M2.Speed": 21, "M2.State": 22}
"""Numbers, because asyncua's store takes no texts."""
PAGE = 5
"""Values that the server gives at once."""


class Users(UserManager):
    def get_user(self, iserver: Any, username: str | None = None, password: Any = None, certificate: Any = None) -> User | None:
        return User(role=UserRole.User) if (username, password) == (USER, PASSWORD) else None


class Plant:
    """A server with a line of two machines; history is written straight into its store."""

    def __init__(self, folder: Path, users: UserManager | None = None, keys: tuple[Path, Path] | None = None):
        self.folder, self.users, self.keys = folder, users, keys
        self.url = f"opc.tcp://127.0.0.1:{free_port()}/plant"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.nodes: dict[str, Any] = {}
        self.run(self._start())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    async def _start(self) -> None:
        self.server = Server(user_manager=self.users)
        self.store = HistorySQLite(str(self.folder / "history.db"), max_history_data_response_size=PAGE)
        self.server.iserver.history_manager.set_storage(self.store)
        await self.server.init()
        self.server.set_endpoint(self.url)
        if self.keys:
            self.server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
            await self.server.load_certificate(self.keys[0])
            await self.server.load_private_key(self.keys[1])
        else:
            self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        space = await self.server.register_namespace(URI)
        line = await self.server.nodes.objects.add_folder(ua.NodeId("Line1", space), f"{space}:Line1")
        for machine in ("M1", "M2"):
            parent = await line.add_object(ua.NodeId(machine, space), f"{space}:{machine}")
            for name in ("Speed", "State"):
                node = await parent.add_variable(ua.NodeId(IDS[f"{machine}.{name}"], space), f"{space}:{name}", 0.0)
                self.nodes[f"{machine}.{name}"] = node
                if (machine, name) != ("M2", "State"):  # of which there is no history
                    await self.store.new_historized_node(node.nodeid, None)
                    await node.set_attr_bit(ua.AttributeIds.AccessLevel, ua.AccessLevel.HistoryRead)
                    await node.set_attr_bit(ua.AttributeIds.UserAccessLevel, ua.AccessLevel.HistoryRead)
        about = ua.EUInformation(DisplayName=ua.LocalizedText("m/s"))
        await self.nodes["M1.Speed"].add_property(ua.NodeId("M1.Speed.EU", space), "0:EngineeringUnits", about)
        await self.server.start()

    def add(self, name: str, at: datetime, value: Any, status: int = 0, kind: Any = ua.VariantType.Double) -> None:
        at += TICK
        told = ua.DataValue(ua.Variant(value, kind), ua.StatusCode(status), SourceTimestamp=at, ServerTimestamp=at + timedelta(seconds=1))
        self.run(self.store.save_node_value(self.nodes[name].nodeid, told))

    def end(self) -> None:
        self.run(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


@contextmanager
def plant_at(folder: Path, users: UserManager | None = None, keys: tuple[Path, Path] | None = None) -> Iterator[Plant]:
    plant = Plant(folder, users, keys)
    try:
        yield plant
    finally:
        plant.end()
