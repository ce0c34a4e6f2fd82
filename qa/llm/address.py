"""Where a language model is asked, and what has to hold before anything is sent there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from index.errors import LlmError, SettingsError
from index.net.addresses import NetworkPolicy

_EXAMPLE = "Give its address like this: http://localhost:11434/v1"
_PORTS = {"http": 80, "https": 443}
_ENDINGS = ("/chat/completions", "/completions", "/models")


@dataclass(frozen=True, slots=True)
class LlmAddress:
    """The base address of an OpenAI-compatible server, checked. `host` is also the name of its key."""

    base: str
    scheme: str
    host: str
    port: int

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.host)

    @property
    def place(self) -> str:
        """How messages call it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, or an address of the loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_address(text: str) -> LlmAddress:
    """The address of a server as a user writes it; SettingsError, without repeating a password, otherwise.

    An address without a path gets /v1, which is where every such server listens; what servers print at
    their start (http://0.0.0.0:8000) and what documentation shows (…/v1/chat/completions) is understood.
    """
    try:
        if not text.isascii() or not text.isprintable() or " " in text.strip() or len(text) > 500:
            raise ValueError
        parts = urlsplit(text.strip())
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise SettingsError("the language model's address is no web address", _EXAMPLE) from None
    if scheme not in _PORTS or not host:
        raise SettingsError("the language model's address has to begin with http:// or https://", _EXAMPLE)
    if "@" in parts.netloc:
        raise SettingsError(
            "the language model's address holds a password", "Store the key with: citewell llm --set-key"
        )
    if parts.query or parts.fragment:
        raise SettingsError("the language model's address ends in ?… or #…", _EXAMPLE)
    path = parts.path.rstrip("/")
    for ending in _ENDINGS:
        path = path.removesuffix(ending)
    host = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 (nothing is bound, it is asked)
    shown = f"[{host}]" if ":" in host else host
    at = f":{port}" if port is not None else ""
    return LlmAddress(f"{scheme}://{shown}{at}{path or '/v1'}", scheme, host, port or _PORTS[scheme])


def check_allowed(address: LlmAddress, *, has_key: bool, offline: bool) -> None:
    """SettingsError if the server may not be asked: it is away and citewell is offline, or a key would
    travel in the open."""
    if address.is_here:
        return
    if offline:
        raise SettingsError(
            f"citewell is offline, and the language model at {address.place} is not on this machine",
            "Use a server on this machine, leave --offline out, or answer without: --no-llm",
        )
    if has_key and address.scheme == "http":
        raise SettingsError(
            f"the key for {address.place} would travel unencrypted",
            "Use https://, or a tunnel (ssh -L) and its address on this machine.",
        )


@dataclass(frozen=True, slots=True)
class LlmPolicy(NetworkPolicy):
    """Which addresses the server's name may resolve to: the user chose it, so any; but what is called
    this machine has to be this machine."""

    here: bool = True

    def check_address(self, address: str, port: int) -> None:  # noqa: ARG002 (the signature is inherited)
        """LlmError if a server on this machine turns out to be elsewhere."""
        if self.here and not is_loopback(address):
            raise LlmError(
                f"the language model's name leads to {address}, which is not this machine",
                "Write its address in numbers.",
            )
