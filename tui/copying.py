"""What is copied, and the way it takes: the terminal's clipboard, or a file where a terminal has none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui.clean import clean, line

if TYPE_CHECKING:
    from textual.app import App

    from qa.model import Answer, AnswerSentence

# These take no OSC 52, or only if they were set up for it.
_TERMS = ("linux", "dumb", "vt100")


def answer_text(answer: Answer, *, references: bool) -> str:
    """The answer as it is read, with its numbers; with `references` the list beneath it as well."""
    from qa.export import DECLINED

    head = [
        f"{line(said.text)} {''.join(f'[{n}]' for n in said.numbers)}".rstrip() for said in answer.statements
    ]
    told = [_sentence(s) for s in (*answer.sentences, *answer.extracted)]
    parts = ["\n".join(head), " ".join(told) or DECLINED]
    if references:
        listed = (f"{''.join(f'[{n}]' for n in e.numbers)} {line(e.text)}" for e in answer.references)
        parts.append("\n".join(listed))
    return clean("\n\n".join(part for part in parts if part)) + "\n"


def _sentence(sentence: AnswerSentence) -> str:
    numbers = "".join(f"[{c.number}]" for c in sentence.citations)
    return f"{line(sentence.text)} {numbers}".rstrip()


def doubtful(environ: Mapping[str, str]) -> bool:
    """Whether this terminal may ignore what is sent to its clipboard."""
    return (
        environ.get("TERM", "") in _TERMS
        or environ.get("TERM_PROGRAM") == "Apple_Terminal"
        or any(environ.get(name) for name in ("TMUX", "STY", "VTE_VERSION"))
    )


def copy(app: App[None], text: str, what: str) -> None:
    """Sends text to the clipboard and says so; where that may be ignored, a file has it as well."""
    app.copy_to_clipboard(text)
    if not doubtful(os.environ):
        app.notify(f"{what} copied", markup=False)
        return
    path = _file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        said = f"{what} sent to the clipboard, which this terminal may ignore; {path}: {error.strerror}"
        app.notify(line(said), severity="warning", markup=False)
    else:
        app.notify(line(f"{what} copied; should the clipboard be empty, it is in {path}"), markup=False)


def _file() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_path("citewell", appauthor=False)) / "copied.txt"
