"""Has a language model write the answer, and ties what it wrote to the papers.

Whatever the server does, there is an answer: the papers' own sentences are known before it is asked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TypeVar

from index.errors import LlmError
from index.reader import Reader
from qa.cite import Citer
from qa.clock import Clock
from qa.draft import Draft, parse_draft
from qa.llm.chat import ChatModel, Ended, PromptTooLong, SchemaRefused, Token, Waiting
from qa.model import Answer, AnswerEvent, AnswerSentence, Drafted, StageBegun, Statement
from qa.prompt import Prompt, make_prompt
from qa.references import reference_list
from qa.verify import Judge

_CONTEXT = 4096  # tokens, where neither the server nor the user says
_CIRCLE = 60  # characters that no reply repeats four times for a reason

R = TypeVar("R")
_LOOK = 0.1  # seconds between two looks at how far the text has come


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """How many passages the model is given, and how many tokens it reads if the user knows."""

    passages: int = 6
    context: int | None = None


@dataclass(slots=True)
class _Written:
    """What came of asking: the text so far, the passages of its keys, and how it ended."""

    text: str = ""
    prompt: Prompt | None = None
    ended: Ended | None = None
    trouble: LlmError | None = None
    shown: str = ""
    looked: float = 0.0
    draft: Draft = field(default_factory=Draft)

    def look(self) -> str:
        """What can be read by now and was not shown yet."""
        if time.monotonic() - self.looked < _LOOK:
            return ""
        draft = parse_draft(self.text, ended=False)
        self.looked = time.monotonic()
        view = draft.view
        if not view.startswith(self.shown):
            return ""
        more, self.shown = view[len(self.shown) :], view
        return more

    def close(self) -> None:
        """Takes the whole text apart; what was cut off at its end is left out."""
        whole = self.ended is not None and self.ended.whole
        self.draft = parse_draft(self.text, ended=whole)

    @property
    def why(self) -> str:
        """Why the text is not whole; empty if it is."""
        if self.trouble is not None:
            return self.trouble.message
        if self.ended is not None and not self.ended.whole:
            return f"the model broke off: {self.ended.why}"
        return "" if self.draft.readable else "the model's reply could not be read to its end"


class Writer:
    """Answers in a model's words. `secret` makes the keys of the passages; tests may fix it."""

    def __init__(
        self, model: ChatModel, options: WriterOptions, judge: Judge | None, secret: bytes | None = None
    ) -> None:
        self._model = model
        self._options = options
        self._judge = judge
        self._secret = secret or secrets.token_bytes(32)
        self._structured = True  # until the server says that it cannot

    def write(self, reader: Reader, plain: Answer, clock: Clock) -> Generator[AnswerEvent, None, Answer]:
        """The answer in the model's words from the evidence of `plain`, which is what the papers say in
        their own; returns `plain` with a notice if there is nothing of the model's to show."""
        written = _Written()
        with clock.timed("write"):
            try:
                yield from self._ask(plain, written)
            except LlmError as error:
                written.trouble = error
            written.close()
        yield StageBegun("checking")
        with clock.timed("verify"):
            passages = written.prompt.passages if written.prompt else {}
            citer = Citer(reader, passages, self._judge)
            sentences = citer.sentences(written.draft)
        return self._answer(plain, written, sentences, citer.lost)

    # --- asking -----------------------------------------------------------------------------------------

    def _ask(self, plain: Answer, written: _Written) -> Generator[AnswerEvent, None, None]:
        yield StageBegun(f"waiting for {self._model.name}")
        with closing(self._model.facts()) as asked:
            facts = yield from _patiently(asked)
        context = self._options.context or facts.context or _CONTEXT
        limit = self._options.passages
        while True:
            written.prompt = make_prompt(
                plain.query, plain.evidence, context=context, limit=limit,
                structured=self._structured, secret=self._secret,
            )  # fmt: skip
            try:
                yield from self._listen(written.prompt, written)
                return
            except SchemaRefused:
                self._structured = False
            except PromptTooLong:
                given = len(written.prompt.passages)
                if given == 1:
                    raise
                limit = given // 2

    def _listen(self, prompt: Prompt, written: _Written) -> Generator[AnswerEvent, None, None]:
        with closing(self._model.stream(prompt.request)) as reply:
            while True:
                try:
                    part = next(reply)
                except StopIteration as end:
                    written.ended = end.value
                    return
                if isinstance(part, Token):
                    if not written.text:
                        yield StageBegun(f"{self._model.name} is writing")
                    written.text += part.text
                    if _repeats(written.text):
                        written.ended = Ended(False, "it repeats itself")
                        return
                yield Drafted(written.look() if isinstance(part, Token) else "")

    # --- what is made of it -----------------------------------------------------------------------------

    def _answer(self, plain: Answer, written: _Written, sentences: list[AnswerSentence], lost: int) -> Answer:
        name, why = self._model.name, written.why
        if not sentences:
            if written.draft.declined and not why:
                said = f"{name} finds no answer in the passages; the papers' own nearest sentences follow."
                return self._with(plain, (), plain.sentences, (said,), declined=True)
            what = why or f"{name} wrote nothing that could be read"
            hint = written.trouble.hint if written.trouble else ""
            said = f"No answer of a language model: {what}. These are the papers' own sentences."
            return replace(plain, notices=(*plain.notices, said, *([hint] if hint else [])))
        notices = []
        if why:
            notices.append(f"The model's answer is incomplete: {why}. The papers' own sentences follow.")
        if lost:
            notices.append(_lost(lost))
        held = any(sentence.citations for sentence in sentences)
        if not held and not why:
            notices.append("Nothing of this could be tied to the papers; their own sentences follow.")
        extracted = plain.sentences if why or not held else ()
        return self._with(plain, sentences, extracted, notices, incomplete=bool(why))

    def _with(
        self,
        plain: Answer,
        sentences: Sequence[AnswerSentence],
        extracted: Sequence[AnswerSentence],
        notices: Sequence[str],
        *,
        incomplete: bool = False,
        declined: bool = False,
    ) -> Answer:
        last = max((c.number for s in sentences for c in s.citations), default=0)
        following = tuple(_counted_on(sentence, last) for sentence in extracted)
        return replace(
            plain, sentences=tuple(sentences), extracted=following, writer=self._model.name,
            incomplete=incomplete, declined=declined,
            headline=_said_on(plain.headline, last) if extracted and not declined else None,
            weighing=_said_on(plain.weighing, last) if extracted and not declined else None,
            references=reference_list([*sentences, *following]), notices=(*plain.notices, *notices),
        )  # fmt: skip


def _patiently(asked: Generator[Waiting, None, R]) -> Generator[AnswerEvent, None, R]:
    """Waits for what was asked, and gives whoever watches a chance to leave."""
    while True:
        try:
            next(asked)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        yield Drafted("")


def _repeats(text: str) -> bool:
    """Whether a text goes round in circles, as small models do until they are stopped."""
    return len(text) >= 4 * _CIRCLE and text.count(text[-_CIRCLE:]) >= 4


def _counted_on(sentence: AnswerSentence, last: int) -> AnswerSentence:
    citations = tuple(replace(c, number=c.number + last) for c in sentence.citations)
    return replace(sentence, citations=citations)


def _said_on(statement: Statement | None, last: int) -> Statement | None:
    """What citewell says of the papers' own sentences, by their new numbers."""
    return statement and replace(statement, numbers=tuple(n + last for n in statement.numbers))


def _lost(number: int) -> str:
    if number == 1:
        return "One quote that the model gave is not in its passage, and is not shown."
    return f"{number} quotes that the model gave are not in their passages, and are not shown."
