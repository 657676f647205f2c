"""`plantlake serve`: the dashboard at an address that a browser opens.

Here: the verb and what it says. Elsewhere: answers to requests (`publish.site.server`), the folder that is served (`publish.site`).
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import ConfigError, Problem
from pipelines.terminal import PortfolioOption, err, lake_at, out, root_of

if TYPE_CHECKING:
    from publish.site.server import Server

HOST, PORT = "127.0.0.1", 8080


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = HOST,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open it in the browser.")] = False,
    portfolio: PortfolioOption = None,
) -> None:
    """Serves the dashboard until Ctrl+C. It shows the newest release at each reload; a refresh may run meanwhile."""
    from publish.site.server import is_loopback

    folder = _site(root_of(portfolio))
    with _listening(folder, host, port) as server:
        out.print(f"Dashboard: {server.address}  (Ctrl+C ends it)", highlight=False, soft_wrap=True)
        if not is_loopback(host):
            err.print(
                f"Everybody who reaches this machine on port {server.server_port} sees every figure of this portfolio: there is no login."
                " Publish one site per audience.", style="bold yellow", highlight=False, soft_wrap=True,
            )  # fmt: skip
        if open_browser:
            import webbrowser

            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            err.print("\nStopped.")


def _site(root: Path) -> Path:
    """The folder of the site; built of the snapshot when it is not there yet."""
    from connectors.portfolio import read, site_of

    folder = site_of(root)
    if not (folder / "index.html").is_file():
        from publish import site

        with err.status("Building the dashboard ...") as status:
            site.build(lake_at(root), read(root), folder, status.update)
    return folder


def _listening(folder: Path, host: str, port: int) -> Server:
    from publish.site.server import Server, free_port

    try:
        return Server(folder, host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            free = free_port(host, port)
            fix = f"plantlake serve --port {free}" if free else "end the other program, or name another port with --port"
            raise ConfigError(Problem(f"Port {port} of {host} is taken by another program.", fix=fix)) from error
        fix = (
            "--port 8080: below 1024 a port needs rights"
            if isinstance(error, PermissionError)
            else "--host with an address of this machine"
        )
        raise ConfigError(Problem(f"Port {port} of {host} cannot be had.", found=error.strerror or str(error), fix=fix)) from error
