"""`plantlake mcp`: agents ask the published numbers.

Here: the verb. Elsewhere: the tools and how they are reached (`publish.mcp_server`), the answers (`publish.agents`).
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from connectors.errors import ConfigError, Problem
from pipelines.terminal import PortfolioOption, err, lake_at, root_of

TOKEN = "PLANTLAKE_MCP_TOKEN"


def mcp(
    http: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Answer over HTTP instead of standard input and output.", show_default=False)
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="A name under which the server is asked over HTTP (repeatable).", show_default=False)
    ] = None,
    allow_sql: Annotated[bool, typer.Option("--allow-sql", help="Also answer SELECTs over the published tables.")] = False,
    portfolio: PortfolioOption = None,
) -> None:
    """Lets agents ask the published numbers (Model Context Protocol): read-only, each number with its parts, coverage and release.

    Over standard input and output, as clients start it; with --http for several. Bound to more than this machine it needs a token in
    $PLANTLAKE_MCP_TOKEN. A refresh that runs meanwhile is seen by the next question.
    """
    lake = lake_at(root_of(portfolio))
    host, port = _address(http) if http else ("", 0)
    try:
        import fastmcp  # noqa: F401
    except ModuleNotFoundError as error:
        fix = "pip install 'plantlake[mcp]'"
        raise ConfigError(Problem("What agents connect to is not installed.", found=str(error.name), fix=fix)) from None
    from publish import mcp_server
    from publish.agents import Desk
    from publish.site.server import is_loopback

    token = os.environ.get(TOKEN) if http else None
    if http and not token and not is_loopback(host):
        told = "Whoever reaches this machine could ask."
        raise ConfigError(Problem(told, found=f"--http {http} without a token", fix=f"export {TOKEN}=..., or --http 127.0.0.1:{port}"))
    made = mcp_server.server(Desk(lake), allow_sql=allow_sql, token=token)
    if not http:
        mcp_server.run_stdio(made)
        return
    err.print(f"Agents ask at http://{http}/mcp" + (f" with the token of ${TOKEN}." if token else "."), highlight=False)
    mcp_server.run_http(made, host, port, name or [])


def _address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT.

    >>> _address("127.0.0.1:8765"), _address("[::1]:80")
    (('127.0.0.1', 8765), ('::1', 80))
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(Problem(f"'{text}' is no address.", found=f"--http {text}", fix="--http 127.0.0.1:8765"))
    return host.strip("[]"), int(port)
