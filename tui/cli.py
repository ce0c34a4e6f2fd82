"""The command `citewell`. Commands import what they need when they run, so that --help is instant."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path

import click

from tui.diagnostics import guarded

# Where each command lives; listed here so that --help imports only these small modules.
_COMMANDS = {
    "ask": "tui.commands.ask",
    "search": "tui.commands.ask",
    "chat": "tui.commands.chat",
    "serve": "tui.commands.serve",
    "history": "tui.commands.history",
    "trace": "tui.commands.trace",
    "check": "tui.commands.trace",
    "add": "tui.commands.fill",
    "sync": "tui.commands.fill",
    "fetch": "tui.commands.fetch",
    "retry": "tui.commands.fetch",
    "watch": "tui.commands.watch",
    "remove": "tui.commands.fill",
    "tag": "tui.commands.tag",
    "papers": "tui.commands.look",
    "show": "tui.commands.look",
    "status": "tui.commands.look",
    "doctor": "tui.commands.look",
    "llm": "tui.commands.llm",
    "eval": "tui.commands.evaluate",
}


class _Commands(click.Group):
    """A group whose commands are imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (the signature is click's)
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        # `eval` is Python's own name for something else, so its function has another one.
        command = getattr(import_module(_COMMANDS[cmd_name]), {"eval": "evaluate"}.get(cmd_name, cmd_name))
        assert isinstance(command, click.Command)
        return command


def _print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Looked up only when asked for: it takes as long to import as all the rest of --help."""
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("citewell")
    except PackageNotFoundError:
        found = "(not installed)"
    click.echo(f"citewell, version {found}")
    context.exit()


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: citewell add FOLDER, then citewell ask QUESTION.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.option("--library", metavar="DIR", type=click.Path(path_type=Path), help="The library's folder.")
@click.option("--model", metavar="NAME", help="Embedding model, by name or path.")
@click.option("--offline", is_flag=True, help="Ask no server for anything.")
@click.pass_context
def cli(context: click.Context, /, **_options: object) -> object:
    """Ask your library of scientific papers a question and get an answer in which every sentence stands on
    an exact quote. Works offline; nothing is fetched unless you name a paper by id or link.

    In a terminal, without a command, this is `citewell chat`."""
    if context.invoked_subcommand is not None:
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(context.get_help())
        return None
    from tui.commands.chat import chat

    return context.invoke(chat)


def _open_closed() -> None:
    """A stream that was closed (`<&-`) is an empty one: all else may rely on the three of them."""
    nothing = Path(os.devnull)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, nothing.open(mode, encoding="utf-8"))


def main() -> None:
    """Entry point of the command `citewell`."""
    _open_closed()
    # Imports make many objects and hardly any garbage: looking for it is a seventh of the time to start.
    gc.set_threshold(50_000, 20, 50)
    # No plugin of pydantic is wanted; looking for one reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.exit(guarded(lambda: cli.main(standalone_mode=False)))


if __name__ == "__main__":
    main()
