"""Which addresses may be asked: public ones, over http or https on their usual ports, and nothing else.

A link in a list, a redirect or a name server may point anywhere, also at a router, a cloud's metadata
service or a database on this machine. Names are therefore judged by the address they resolve to, and
the connection is made to the very address that was judged.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.errors import FetchError

if TYPE_CHECKING:
    import httpx

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_URL = 2000
_USUAL_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # a public IPv4 address, on networks without IPv4
_TUNNELS = tuple(
    map(ipaddress.ip_network, ("2002::/16", "2001::/32", "64:ff9b:1::/48", "::/96", "fec0::/10"))
)
_NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What the user allows. `also` names exact (address, port) pairs that are allowed though they are
    private, as Zotero's on this machine is; `trust_env` lets the environment name a proxy."""

    offline: bool = False
    also: frozenset[tuple[str, int]] = frozenset()
    trust_env: bool = False

    def check_url(self, url: str) -> httpx.URL:
        """The parsed address of a page; FetchError, without asking anyone, if it may not be asked for."""
        import httpx

        if self.offline:
            raise FetchError("citewell is offline (--offline)", "Leave --offline out to fetch papers.")
        try:
            if len(url) > _MAX_URL or not url.isprintable():
                raise ValueError("it is too long or holds control characters")
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise _refused(url, "it is no web address") from error
        usual = _USUAL_PORTS.get(parsed.scheme)
        if usual is None:
            raise _refused(url, "only http and https are fetched")
        if not parsed.host or parsed.userinfo:
            raise _refused(
                url, "it names no host, or a password" if not parsed.host else "it holds a password"
            )
        port = parsed.port or usual
        if port not in _USUAL_PORTS.values() and port not in {allowed for _, allowed in self.also}:
            raise _refused(url, f"port {port} is none of the web's")
        literal = _literal(parsed.host, url)
        if literal is not None:
            self.check_address(str(literal), port)
        return parsed

    def check_address(self, address: str, port: int) -> None:
        """FetchError if this address may not be connected to on this port."""
        if (address, port) in self.also:
            return
        try:
            judged = ipaddress.ip_address(address)
        except ValueError as error:
            raise _refused(address, "it resolves to no address") from error
        if port not in _USUAL_PORTS.values():
            raise _refused(address, f"port {port} is none of the web's")
        if not is_public(judged):
            raise _refused(address, "it lies on this machine or in a private network")


def is_public(address: IpAddress) -> bool:
    """Whether an address is one of the public internet, said plainly: not hidden in another notation."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None or address.scope_id or any(address in net for net in _TUNNELS):
            return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
    )


def _literal(host: str, url: str) -> IpAddress | None:
    """The address that a host is, None if it is a name. "127.1", "0x7f.1" and "2130706433" are refused."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rsplit(".", 1)[-1]
        if ":" in host or _NUMERIC_LABEL.fullmatch(last):
            raise _refused(url, "it hides an address in an unusual notation") from None
        return None


def _refused(what: str, reason: str) -> FetchError:
    return FetchError(f"{what[:120]} is not fetched: {reason}", "Fetch it by hand, and add the file.")
