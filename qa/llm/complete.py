"""A short reply from a language model in one piece, or none: for what must not keep a reader waiting."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

from index.errors import LlmError
from qa.llm.chat import ChatModel, ChatRequest, Message, Token

_TOKENS = 120
_SECONDS = 15.0


def complete(model: ChatModel, messages: Sequence[Message], seconds: float = _SECONDS) -> str:
    """The whole reply; LlmError if it does not end within `seconds`, or not by itself."""
    begun = time.monotonic()
    text: list[str] = []
    with closing(model.stream(ChatRequest(tuple(messages), _TOKENS))) as stream:
        while True:
            try:
                part = next(stream)
            except StopIteration as end:
                if not end.value.whole:
                    raise LlmError(f"the language model broke off: {end.value.why}", "Try again.") from None
                return "".join(text)
            if isinstance(part, Token):
                text.append(part.text)
            if time.monotonic() - begun > seconds:
                raise LlmError(f"the language model took longer than {seconds:.0f} seconds", "Try again.")
