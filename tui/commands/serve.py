"""citewell serve: the terminal interface in a browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.options import Llm, llm, make_filters, make_parts, place, scope

if TYPE_CHECKING:
    from tui.parts import Parts

_KEY_BYTES = 18


@click.command(short_help="Open the same in a browser.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port (default: one that is free).")
@click.option(
    "--host", default="127.0.0.1", help="Address to listen at (default: 127.0.0.1, this computer only)."
)
@click.option("--allow-remote", is_flag=True, help="Listen at a --host that others can reach.")
@scope
@llm
@place
def serve(
    papers: tuple[str, ...], years: str | None, sections: tuple[str, ...], tags: tuple[str, ...],
    llm: Llm, library: Path | None, model: str | None, port: int, host: str, allow_remote: bool,
) -> None:  # fmt: skip
    """The same as citewell chat, in a browser. It prints an address with a key: whoever has it can read and
    change the library, and others get nothing. Only this computer is answered; ctrl+c ends it.
    """
    from tui.serving.guard import is_loopback

    beyond = not is_loopback(host)
    if beyond and not allow_remote:
        raise click.UsageError(
            f"{host} can be reached from other computers: whoever gets the address there can read and change "
            "the library, and it travels unencrypted. Leave --host out and use a tunnel (ssh -L), or add "
            "--allow-remote if that is what you want."
        )
    make_filters(papers, years, sections, tags)  # tells now what is wrong with them
    with make_parts(library, model, llm=llm) as parts:
        empty = _look(parts)
        words = [*_place(parts), *_scope(papers, years, sections, tags), *_writer(llm)]
    _serve([sys.executable, "-m", "tui.cli", *words], host, port, beyond=beyond, empty=empty)


def _look(parts: Parts) -> bool:
    """Whether the library has no papers. LibraryError, before any browser is opened, if it cannot be read."""
    library = parts.library
    if not library.exists():
        return True
    with library.read() as reader:
        return not reader.counts()["papers"]


def _place(parts: Parts) -> list[str]:
    """The words of the child's command line up to the flags of `chat`."""
    before = ["--library", str(parts.library.folder.absolute())]
    before += ["--model", parts.settings.model] if parts.settings.model else []
    before += ["--offline"] if parts.settings.offline else []
    return [*before, "chat", "--in-browser"]


def _scope(
    papers: tuple[str, ...], years: str | None, sections: tuple[str, ...], tags: tuple[str, ...]
) -> list[str]:
    flags = [("--paper", p) for p in papers] + [("--section", s) for s in sections]
    flags += [("--tag", t) for t in tags] + ([("--year", years)] if years is not None else [])
    return [word for flag in flags for word in flag]


def _writer(llm: Llm) -> list[str]:
    """The flags about a language model, the same for the child."""
    if llm.none:
        return ["--no-llm"]
    flags = [("--llm", llm.url), ("--llm-model", llm.model), ("--judge", llm.judge)]
    return [word for flag, value in flags if value for word in (flag, value)]


def _serve(command: list[str], host: str, port: int, *, beyond: bool, empty: bool) -> None:
    import asyncio
    import secrets

    from tui.serving.guard import Guard
    from tui.serving.server import Server, listen, serve

    guard = Guard(secrets.token_urlsafe(_KEY_BYTES), _names(host, beyond=beyond), beyond)
    listening = listen(host, port)
    with listening:
        at = listening.getsockname()[1]

        def ready() -> None:
            click.echo(f"citewell is at  http://{_shown(host)}:{at}/{guard.key}/")
            if empty:
                click.echo("The library is empty; the page says how to add papers.")
            if beyond:
                click.echo(
                    "WARNING: other computers can reach this. Whoever has the address can read and change "
                    "the library, and the network in between can read along.",
                    err=True,
                )
            else:
                click.echo("Only this computer is answered, and only with this address. ctrl+c ends it.")

        server = Server(command, guard, lambda said: click.echo(f"citewell: {said}", err=True))
        asyncio.run(serve(server, listening, ready))
    click.echo("citewell serve has ended.")


def _shown(host: str) -> str:
    """The host as it stands in an address."""
    import socket

    if host in ("0.0.0.0", "::"):  # noqa: S104 (nothing is bound here: these are no addresses one could open)
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _names(host: str, *, beyond: bool) -> frozenset[str]:
    """The names by which the server may be called."""
    import socket

    return frozenset({"localhost"} | ({host.lower(), socket.gethostname().lower()} if beyond else set()))
