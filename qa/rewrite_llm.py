"""Has a language model make follow-ups stand alone, and takes its word only where it can be checked.

The rules come first: they say which papers a question means, and a question that is none of their kind and
has a topic of its own is not sent at all. What a model returns is used if it is one short line that shares
words with the conversation; anything else, and any failure, gives the rules' result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.errors import LlmError
from qa.followup_words import own_words
from qa.llm.chat import ChatModel, Message
from qa.llm.complete import complete
from qa.rewrite import Past, RuleRewriter, Standalone
from qa.words import stem, tokens

_LONGEST = 300  # characters of a question that a model may make
_REMEMBERED = 4  # questions of the conversation that it is shown
_ENOUGH = 3  # topic words with which a question needs no model
_QUOTES = "\"'“”‘’«»` "
_TASK = (
    "You rewrite the last question of a conversation about scientific papers so that it can be searched by "
    "itself. Replace pronouns and ellipses by what they stand for. Add nothing else, answer nothing. If the "
    "question stands alone, repeat it. Reply with the question only, on one line."
)


class LlmRewriter:
    """A Rewriter that asks a language model, and falls back on the rules."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self._rules = RuleRewriter()

    def rewrite(self, question: str, past: Sequence[Past]) -> Standalone:
        """The question as it is to be searched, given what was asked before, oldest first."""
        ruled = self._rules.rewrite(question, past)
        if not past or (not ruled.because and len(own_words(question)) >= _ENOUGH):
            return ruled
        try:
            reply = complete(self._model, _messages(question, past))
        except LlmError:  # the rules' result is there already
            return ruled
        text = checked_rewrite(reply, question, past)
        if text is None or _same(text, question):
            return ruled
        return replace(ruled, text=text, because=ruled.because or f"“{question}” follows “{past[-1].query}”")


def checked_rewrite(reply: str, question: str, past: Sequence[Past]) -> str | None:
    """The question that a model made; None if it is none that could have come of this conversation."""
    text = reply.strip().strip(_QUOTES).strip()
    if not text or len(text) > _LONGEST or len(text.splitlines()) != 1 or not text.isprintable():
        return None
    known = {stem(word) for one in past for word in tokens(f"{one.question} {one.query}")}
    known |= {stem(word) for word in tokens(question)}
    own = {stem(word) for word in own_words(text)}
    # Half of its topic must be the conversation's, or it is an answer, an apology, or another question.
    return text if own and len(own & known) * 2 >= len(own) else None


def _same(a: str, b: str) -> bool:
    return tokens(a) == tokens(b)


def _messages(question: str, past: Sequence[Past]) -> list[Message]:
    asked = "\n".join(f"- {one.query}" for one in past[-_REMEMBERED:])
    content = f"Questions so far:\n{asked}\n\nLast question: {question}"
    return [Message("system", _TASK), Message("user", content)]
