"""Who may drive citewell through the browser: only someone who has the address with its key.

Any page in the user's browser can send requests to this computer, and any program on it can. Three checks, on
every request, keep them out: the key in the path, which only the printed address has; the Host, so that no
name that an attacker points at this computer is answered (DNS rebinding); and the Origin, so that a page from
elsewhere gets nothing, even with the key.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from ipaddress import ip_address

_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Guard:
    """`names` are those, besides addresses, by which the server may be called; `beyond` whether addresses
    that are not this computer's own will do as well."""

    key: str
    names: frozenset[str] = frozenset({"localhost"})
    beyond: bool = False

    def refusal(self, path: str, host: str, origin: str | None, *, socket: bool) -> str:
        """Why a request is refused, for whoever sent it; "" if it may pass.

        `host` and `origin` are the headers of these names. A `socket` must have an origin: browsers always
        send it, and what leaves it out is none.
        """
        if not self._our_host(host):
            return "citewell does not answer under this name."
        if origin is None:
            if socket:
                return "This connection did not come from citewell's own page."
        elif origin != f"http://{host}":
            return "Another page may not use citewell."
        given = path.removeprefix("/").partition("/")[0]
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            return "Use the whole address that citewell serve has printed: it ends with a key."
        return ""

    def _our_host(self, host: str) -> bool:
        # The port is not compared: through a tunnel (ssh -L) it is another one.
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = (found[1] or found[2]).lower()
        try:
            address = ip_address(name)
        except ValueError:
            return name in self.names
        return self.beyond or address.is_loopback


def is_loopback(host: str) -> bool:
    """Whether this address, or the name localhost, can be reached from this computer only."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
