"""A reply as its pieces come over the wire: what of them is text, and how it ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from index.errors import LlmError
from qa.llm.chat import Ended
from qa.llm.failures import broken_off, not_a_model, said_in

if TYPE_CHECKING:
    from qa.llm.address import LlmAddress

_WHY = {
    "length": "it reached the length it may have",
    "content_filter": "the server withheld the rest",
}
_WHOLE = frozenset({"stop", "eos", "end_turn", "stop_sequence"})


class Reply:
    """Takes the data of one event after the other."""

    def __init__(self, address: LlmAddress, key: str | None) -> None:
        self._address = address
        self._key = key
        self.ended: Ended | None = None
        self.thought = False  # the last event held something that is no text, e.g. the model's reasoning
        self.length = 0

    def take(self, event: str, *, last: bool) -> str:
        """The text in an event; LlmError if it is an error. A `last` one may be cut off."""
        self.thought = False
        if event.strip() == "[DONE]":
            self.ended = self.ended or Ended(True)
            return ""
        texts = [self._text(data) for data in self._parsed(event, last=last)]
        text = "".join(texts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self.length += len(text)
        return text

    def close(self) -> Ended:
        """How it ended, if the connection is over; LlmError if it never said so."""
        if self.ended is None:
            raise broken_off(self._address)
        return self.ended

    def _parsed(self, event: str, *, last: bool) -> list[Any]:
        try:
            return [json.loads(event, strict=False)]
        except (ValueError, RecursionError):
            pass
        try:  # servers that forget the blank line between two events
            return [json.loads(line, strict=False) for line in event.splitlines() if line.strip() != "[DONE]"]
        except (ValueError, RecursionError):
            if last:
                return []
            raise not_a_model(self._address) from None

    def _text(self, data: Any) -> str:
        if not isinstance(data, dict):
            return ""
        if data.get("error"):
            said = said_in(data, self._key)
            raise LlmError(
                f"the language model at {self._address.place} broke off" + (f": {said}" if said else ""),
                "Ask again.",
            )
        choices = data.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return ""
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.ended = (
                Ended(True) if reason in _WHOLE else Ended(False, _WHY.get(reason, "it stopped early"))
            )
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            return ""
        self.thought = bool(delta.get("reasoning_content") or delta.get("reasoning"))
        content = delta.get("content")
        return content if isinstance(content, str) else ""
