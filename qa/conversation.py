"""A conversation: questions that may lean on the ones before, each answered from the same library.

The command line and the screens ask through this one object, so a follow-up means the same to both.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from index.errors import HistoryError
from qa.answer import checked_question
from qa.followup_words import has_population, own_words
from qa.history import History
from qa.kept import KeptTurn, keep, names
from qa.model import EVERYTHING, Answer, AnswerEvent, Filters, Finished, Query, Understood
from qa.rewrite import Past, Rewriter, RuleRewriter, Standalone
from qa.scope import in_words, narrowed


class Answers(Protocol):
    """Whatever answers a question that stands alone."""

    def answer(self, question: str, filters: Filters) -> Generator[AnswerEvent, None, None]:
        """A stream of events, the last of which is Finished."""
        ...


class Conversation:
    """Asks one question after the other. Not for use from two threads at once.

    With a history every finished answer is kept, under `identifier` from the first one on.
    """

    def __init__(
        self,
        answerer: Answers,
        rewriter: Rewriter | None = None,
        history: History | None = None,
    ) -> None:
        self._answerer = answerer
        self._rewriter = rewriter or RuleRewriter()
        self._history = history
        self.identifier: str | None = None
        self.turns: list[KeptTurn] = []
        self._limit: Filters | None = None  # a scope that was set since the last question

    def resume(self, identifier: str, turns: Sequence[KeptTurn]) -> None:
        """Goes on where a kept conversation ended."""
        self.identifier = identifier
        self.turns = list(turns)

    @property
    def scope(self) -> Filters:
        """What every question of this conversation is limited to."""
        if self._limit is not None:
            return self._limit
        return self.turns[-1].scope if self.turns else EVERYTHING

    def limit(self, scope: Filters) -> None:
        """From the next question on, this is what every question is limited to, and nothing else."""
        self._limit = scope

    def ask(self, question: str, filters: Filters = EVERYTHING) -> Generator[AnswerEvent, None, None]:
        """The question's answer as a stream of events; the first one says what is searched for.

        The conversation's scope holds; each part that `filters` has takes the place of its own. A follow-up
        keeps what the question before it was limited to. A question that is stopped leaves no trace.
        """
        checked = checked_question(question)
        past = [Past(turn.question, turn.query, turn.cited(), turn.topic) for turn in self.turns]
        made = self._rewriter.rewrite(checked, past)
        scope = narrowed(self.scope, filters)
        used = self._used(checked, made, scope, filters)
        yield Understood(Query(checked, made.text, used), made.because, in_words(used, names(self.turns)))
        with closing(self._answerer.answer(made.text, used)) as events:
            for event in events:
                if isinstance(event, Finished):
                    answer = replace(event.answer, question=checked, query=made.text)
                    yield Finished(self._kept(answer, made, scope, used))
                else:
                    yield event

    def _used(self, question: str, made: Standalone, scope: Filters, given: Filters) -> Filters:
        fresh = self._limit is not None or not made.because
        before = self.turns[-1].filters if self.turns and not fresh else EVERYTHING
        if own_words(question) or has_population(question):
            # "And in mice?" asks all papers again; "and the dose?" is still about the one that was named.
            before = replace(before, papers=())
        # What the user says now wins over what the question says, and that over what was asked before.
        return narrowed(narrowed(narrowed(scope, before), made.filters), given)

    def _kept(self, answer: Answer, made: Standalone, scope: Filters, used: Filters) -> Answer:
        """Remembers the turn; an answer that cannot be kept is shown all the same, and says so."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        turn = keep(answer, now, made.because, scope, used, made.topic)
        self.turns.append(turn)
        self._limit = None
        if self._history is None:
            return answer
        try:
            self.identifier = self.identifier or self._history.new_id()
            self._history.append(self.identifier, turn)
        except HistoryError as error:
            return replace(answer, notices=(*answer.notices, error.message))
        return answer
