"""A MySQL server (MariaDB) of a test's own: a private data folder on a free port of loopback.

Here: starting and ending it. Elsewhere: the fixture (`conftest`), what is asked of it (`connectors/test_sql.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from postgres_server import free_port

SERVER, SETUP = (shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in ("mariadbd", "mariadb-install-db"))


def missing() -> str | None:
    """Why there can be no server here, or None."""
    if not SERVER or not SETUP or not shutil.which("my_print_defaults"):
        return "MariaDB's programs are not installed (Debian: mariadb-server-core, mariadb-client-core)"
    try:
        import pymysql  # noqa: F401
    except ImportError:
        return "the extra 'mysql' is not installed"
    return None


class Server:
    """A server with the database `mes`, which `reader` may read with `secret`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plantlake-my-"))
        self.port = free_port()
        base = Path(str(SERVER)).parents[1]
        user = [f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', '')}"]
        own = [f"--datadir={self.folder}/data", f"--lc-messages-dir={base}/share/mysql", *user]
        setup = [
            str(SETUP),
            "--no-defaults",
            f"--basedir={base}",
            f"--datadir={self.folder}/data",
            "--auth-root-authentication-method=normal",
        ]
        subprocess.run([*setup, "--skip-test-db", *user], check=True, capture_output=True, timeout=120)
        words = [f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self.folder}/socket", "--innodb-flush-log-at-trx-commit=0"]
        self.process = subprocess.Popen([str(SERVER), "--no-defaults", *own, *words], stderr=(self.folder / "log").open("wb"))
        self._wait()
        self.sql("CREATE USER reader IDENTIFIED BY 'secret'", "GRANT SELECT ON mes.* TO reader")

    @property
    def root(self) -> str:
        """The address for a plant file."""
        return f"mysql://reader@127.0.0.1:{self.port}/mes"

    def sql(self, *statements: str) -> Any:
        """Runs statements as the owner; gives the rows of the last."""
        import pymysql

        with pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True) as connection, connection.cursor() as cursor:
            for statement in ("CREATE DATABASE IF NOT EXISTS mes", "USE mes", *statements):
                cursor.execute(statement)
            return cursor.fetchall()

    def remove(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        import pymysql

        for _ in range(300):
            try:
                self.sql()
            except pymysql.err.OperationalError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError((self.folder / "log").read_text())
