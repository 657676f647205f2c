"""A PostgreSQL server of a test's own: a private cluster in a temporary folder on a free port of loopback.

Here: starting and ending it, and being unkind to it. Elsewhere: the fixture (`conftest`), what is asked of it (`connectors`, `pipelines`).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
OWNER = "postgres"


def missing() -> str | None:
    """Why there can be no server here, or None."""
    if PROGRAMS is None and not shutil.which("initdb"):
        return "PostgreSQL's server programs are not installed (Debian: postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "the extra 'postgresql' is not installed"
    return None


class Server:
    """A cluster; `owner` may do everything in it, `reader` may log in with `secret`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plantlake-pg-"))
        self.port = free_port()
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, OWNER)
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-A",
            "scram-sha-256",
            "-U",
            "owner",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
            f"--pwfile={self._password()}",
        )
        self.start()
        self.sql("CREATE ROLE reader LOGIN PASSWORD 'secret'")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def root(self) -> str:
        """The address for a plant file."""
        return f"postgresql://reader@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c fsync=off -c listen_addresses=127.0.0.1 -c shared_buffers=16MB -c timezone=America/New_York"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        """As if the power went."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, *statements: str) -> Any:
        """Runs statements as the owner; gives the rows of the last, if it has any."""
        import psycopg

        address = f"host=127.0.0.1 port={self.port} dbname=postgres user=owner password=owner"
        with psycopg.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else None

    def signal(self, number: signal.Signals) -> None:
        """To the processes of all sessions of the reader."""
        for (pid,) in self.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'reader'"):
            os.kill(pid, number)

    def _password(self) -> Path:
        path = self.folder / "password"
        path.write_text("owner")
        if os.geteuid() == 0:
            shutil.chown(path, OWNER)
        return path

    def _run(self, program: str, *words: str) -> None:
        found = str(PROGRAMS / program) if PROGRAMS else program
        as_owner = ["runuser", "-u", OWNER, "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_owner, found, *words], check=True, capture_output=True, cwd="/", timeout=60)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
