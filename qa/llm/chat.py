"""What a language model is to the rest of citewell: messages go in, pieces of text come out."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from index.errors import LlmError


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A prompt, the most tokens the reply may have, and the JSON schema it should follow, if any."""

    messages: tuple[Message, ...]
    max_tokens: int
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of itself. `context` is None where it does not tell."""

    model: str
    models: tuple[str, ...] = ()
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing new. It comes several times a second, so that whoever listens may leave."""


@dataclass(frozen=True, slots=True)
class Token:
    """More of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a reply ended: `whole` if the model had said what it wanted to say, else why it had not."""

    whole: bool
    why: str = ""


class SchemaRefused(LlmError):
    """The server takes no JSON schema; the same may be asked without."""


class PromptTooLong(LlmError):
    """The prompt is longer than the model reads."""


class ChatModel(Protocol):
    """A language model. Both generators raise LlmError, and closing one ends its connection."""

    @property
    def name(self) -> str:
        """What the user calls it; "the model" until that is known."""
        ...

    def facts(self) -> Generator[Waiting, None, Facts]:
        """Asks the server for its model and how much that reads."""
        ...

    def stream(self, request: ChatRequest) -> Generator[Waiting | Token, None, Ended]:
        """The reply as it comes; returns how it ended."""
        ...
