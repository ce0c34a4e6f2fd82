"""What an answer looks like: its headline, its sentences with their marks, and what speaks against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.style import Style

from tui.clean import line
from tui.widgets.ink import MUTED
from tui.widgets.place import COLOURS, MARKS, Place, places_of, shortened

if TYPE_CHECKING:
    from qa.model import Answer, AnswerSentence, Statement

_LONGEST_CLAIM = 48
_NO_BREAK = "\u00a0"  # the mark never stands alone at the beginning of a line

Part = Content | str | tuple[str, str]


def link(turn: int, number: int, mark: str = "", colour: str = "") -> Content:
    """[1]✓, which opens the place when it is clicked."""
    action = f"screen.open_source({turn}, {number})"
    return Content.assemble(
        Content.styled(f"[{number}]", Style.from_meta({"@click": action})), (mark, colour)
    )


def written(turn: int, sentences: Sequence[AnswerSentence], answer: Answer | None = None) -> Content:
    """The sentences so far; once the `answer` is whole, with its headline, and apart what a model wrote."""
    if answer is None:
        return _sentences(turn, sentences, apart=False)
    head = [
        _statement(turn, answer.caveat, "$text-warning"),
        _statement(turn, answer.headline, "bold"),
        _statement(turn, answer.weighing, ""),
    ]
    said = [Content("\n").join(part for part in head if part is not None)]
    if answer.writer:
        said += [_by_model(turn, answer), _sentences(turn, answer.extracted, apart=False)]
    else:
        said.append(_sentences(turn, answer.sentences, apart=False))
    return Content("\n\n").join(part for part in said if part.plain)


def _by_model(turn: int, answer: Answer) -> Content:
    """What a language model wrote, what is to be said against it, and what else there is."""
    text = _sentences(turn, answer.sentences, apart=True)
    if answer.incomplete:
        text = Content.assemble(text, (" … (incomplete)", "$text-warning"))
    if answer.declined and not answer.sentences:
        text = Content(f"{line(answer.writer)} finds no answer in your papers.")
    parts = [text, *([Content("\n").join(against)] if (against := list(_objections(answer))) else [])]
    if answer.extracted:
        parts.append(Content.styled("The papers' own sentences:", MUTED))
    return Content("\n\n").join(part for part in parts if part.plain)


def _statement(turn: int, said: Statement | None, style: str) -> Content | None:
    """What citewell itself says of the quotes, with their numbers."""
    if said is None:
        return None
    numbers = [link(turn, number) for number in said.numbers]
    return Content.assemble((line(said.text), style), _NO_BREAK if numbers else "", *numbers)


def _sentences(turn: int, sentences: Sequence[AnswerSentence], *, apart: bool) -> Content:
    """Sentences with their marks; those from one paper together, unless they are a model's (`apart`)."""
    parts: list[Part] = []
    paper: int | None = None
    for sentence in sentences:
        places = places_of(sentence)
        cited = places[0].paper.id if places and not apart else paper
        if parts:
            parts.append(" " if cited == paper else "\n\n")
        paper = cited
        parts.append(line(sentence.text))
        parts += _marks(turn, sentence, places)
    return Content.assemble(*parts)


def _marks(turn: int, sentence: AnswerSentence, places: Sequence[Place]) -> Iterator[Part]:
    for place in places:
        yield _NO_BREAK
        yield link(turn, place.number, place.mark, place.colour)
    if not places:
        sign, _ = MARKS[sentence.verdict.value]
        yield (f"{_NO_BREAK}{sign}", COLOURS[sentence.verdict.value])


def _objections(answer: Answer) -> Iterator[Content]:
    """A line for each sentence that its quotes do not fully support, with the reasons in words."""
    from tui.print_answer import objection

    for sentence in answer.sentences:
        if said := objection(sentence):
            colour = COLOURS[sentence.verdict.value]
            sign, words = said.split(" ", 1)
            claim = shortened(line(sentence.text), _LONGEST_CLAIM)
            yield Content.assemble((sign, colour), f" {words}", (f" — “{claim}”", MUTED))
