"""The one module that owns stderr and the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum

import click

from tui.clean import line


class Exit(IntEnum):
    """What a script can tell from the exit code."""

    OK = 0
    ERROR = 1  # nothing was done; stderr says why and what to do
    USAGE = 2  # the command line was not understood
    PARTIAL = 3  # done, but some files, questions or sentences failed; they are listed
    INTERRUPTED = 130  # stopped by the user; what was finished is kept


def complain(message: str, hint: str = "") -> None:
    """One line on stderr, and a second one with what to do next."""
    click.echo(f"citewell: {line(message)}", err=True)
    if hint:
        click.echo(f"  {line(hint)}", err=True)


def note(message: str) -> None:
    """A remark on stderr that is no error."""
    click.echo(line(message), err=True)


def guarded(command: Callable[[], object]) -> int:
    """Runs a command line and turns whatever ends it into an exit code, never a traceback for the user."""
    from index.errors import CitewellError

    try:
        result = command()
        return result if isinstance(result, int) else Exit.OK
    except CitewellError as error:
        complain(error.message, error.hint)
        return Exit.ERROR
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        complain("stopped; what was finished is kept")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough. Keep Python from complaining at exit.
        sys.stdout = None
        return Exit.OK
    except MemoryError:
        complain("the machine has not enough memory for this", "Close other programs, or use fewer papers.")
        return Exit.ERROR
