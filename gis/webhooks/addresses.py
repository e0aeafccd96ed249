"""Where webhooks may lead: http and https, and not into the machine itself unless the operator says so.

Whoever holds the server's key makes the server send requests. In closed networks receivers have private addresses, so
those are fine; this machine and link-local addresses (where clouds keep their metadata) are not, unless named in
FINEGRID_WEBHOOK_HOSTS. Names are judged by the address that is connected to, at every attempt.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import httpx

from gis.errors import ParameterError

LONGEST = 2000
SETTING = "FINEGRID_WEBHOOK_HOSTS"
HOST = re.compile(rb"[a-z0-9._-]+|[0-9a-f:.]+", re.IGNORECASE)
"""Of a name, its ASCII form for names in Chinese; or an address."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class HostRefused(Exception):
    """The server must not connect there; the text says why."""


@dataclass(frozen=True)
class AllowedHosts:
    """Which hosts may be told.

    Parameters
    ----------
    entries
        Names (`hooks.city.cn`), everything below a name (`.city.cn`), addresses, networks (`10.1.0.0/16`). None: all,
        but this machine, link-local and multicast addresses.
    """

    entries: tuple[str, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> AllowedHosts:
        """The setting: entries with commas between."""
        return cls(tuple(one.strip().lower() for one in text.split(",") if one.strip()))

    def check(self, host: str, address: str) -> None:
        """Judge a host by the address that it has at this moment.

        Raises
        ------
        HostRefused
            It is not allowed.
        """
        if self.entries:
            if not self._named(host) and not self._within(_plain(address)):
                msg = f"{host} ({address}) is not among {SETTING}" if host != address else f"{host} is not in {SETTING}"
                raise HostRefused(msg)
            return
        known = _plain(address)
        if known.is_loopback or known.is_unspecified:
            msg = f"{host} is this machine itself; {SETTING}={host} would allow it"
            raise HostRefused(msg)
        if known.is_link_local or known.is_multicast:
            msg = f"{host} ({address}) is a link-local or multicast address; {SETTING} would have to name it"
            raise HostRefused(msg)

    def _named(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        return any(name == one or (one.startswith(".") and name.endswith(one)) for one in self.entries)

    def _within(self, address: Address) -> bool:
        for one in self.entries:
            try:
                if address in ipaddress.ip_network(one, strict=False):
                    return True
            except ValueError:  # a name
                continue
        return False


def _plain(address: str) -> Address:
    """The address itself, not its IPv4-in-IPv6 dress nor its interface."""
    known = ipaddress.ip_address(address.partition("%")[0])
    return getattr(known, "ipv4_mapped", None) or known


def checked_url(url: str, allowed: AllowedHosts) -> str:
    """An address that may be told, as far as can be said without a look at the network.

    Raises
    ------
    ParameterError
        It is no http or https address, holds a password, or its host is not allowed.
    """
    try:
        parsed = httpx.URL(url) if url == url.strip() and url.isprintable() else None
    except (httpx.InvalidURL, ValueError, TypeError):
        parsed = None
    good = parsed is not None and parsed.scheme in ("http", "https") and HOST.fullmatch(parsed.raw_host)
    if parsed is None or not good or (parsed.port or 0) > 65535 or len(url) > LONGEST:
        msg = f"{url[:80]!r} is no address to send to; https://host/path or http://host:port/path is right"
        raise ParameterError("url", msg)
    if parsed.userinfo or parsed.fragment:
        msg = "leave out user:password@ and #...; the signature tells the receiver who sends"
        raise ParameterError("url", msg)
    host = parsed.raw_host.decode("ascii").strip("[]")
    try:
        try:
            allowed.check(host, host)
        except ValueError:  # a name: what it stands for is judged when it is told
            if host == "localhost" or host.endswith(".localhost"):
                allowed.check(host, "127.0.0.1")
    except HostRefused as refused:
        raise ParameterError("url", str(refused)) from refused
    return url
