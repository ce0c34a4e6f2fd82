"""A kept conversation as it can be shown now: every quote looked up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.kept import KeptTurn
    from qa.model import Answer
    from tui.parts import Parts


def restored(parts: Parts, name: str) -> tuple[list[KeptTurn], list[Answer]]:
    """The turns of the conversation called `name`, and their answers."""
    from qa.kept import restore

    with parts.library.read() as reader:
        turns = parts.history.turns(parts.history.find(name))
        return turns, [restore(turn, reader) for turn in turns]


def scopes_of(turns: list[KeptTurn]) -> list[str]:
    """What each question was limited to, in words."""
    from qa.kept import names
    from qa.scope import in_words

    return [in_words(turn.filters, names(turns)) for turn in turns]


def kept_json(turns: list[KeptTurn], answers: list[Answer]) -> list[dict[str, Any]]:
    """A kept conversation as JSON."""
    from tui.asking import scope_json
    from tui.jsonout import answer_json

    return [
        {"asked": turn.asked, "because": turn.because}
        | answer_json(answer)
        | {"scope": scope_json(turn.filters)}
        for turn, answer in zip(turns, answers, strict=True)
    ]
