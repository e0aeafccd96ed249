"""ETag, Last-Modified and 304 (RFC 9110, 8.8 and 13), from the versions of the data that an answer is made of.

A validator is the same exactly as long as no layer behind the answer was written, so 304 needs no look at the rows; and
versions are read after the request came, so no answer is older than the last commit before it, on any worker.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

from fastapi import Depends, Request, Response

from gis.store.version_watch import Versions

SECOND_US = 1_000_000
SETTLED_US = 60 * SECOND_US
"""A change is dated a moment before it is committed; after so long nothing of that second is still to come."""
HOUR_US = 3600 * SECOND_US
OPAQUE_TAG = re.compile(r'"[^"]*"')
REVALIDATE = "no-cache"
"""Clients may keep an answer and must ask each time whether it still holds."""


def _software() -> str:
    """What identifies this very code, so that no deployment serves the pages of the one before."""
    digest = hashlib.blake2b(digest_size=9)
    root = Path(__file__).parent.parent
    for room in ("api", "gis", "maps"):
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in (".pyc", "") and path.is_file():
                facts = path.stat()
                digest.update(f"{path.relative_to(root)} {facts.st_size} {facts.st_mtime_ns}".encode())
    return digest.hexdigest()


SOFTWARE = _software()


@dataclass(frozen=True)
class Validators:
    """What identifies an answer.

    Parameters
    ----------
    etag
        Weak: compression may change the bytes.
    changed_us
        When its data changed, microseconds since 1970 UTC; 0: not known.
    settled
        Whether the data has rested for a minute: before, a second change could hide behind the same Last-Modified, so
        none is sent.
    vary
        Request headers on which the choice of the form depended.
    """

    etag: str
    changed_us: int = 0
    settled: bool = False
    vary: str | None = None

    def headers(self) -> dict[str, str]:
        """Headers of the answer, 200 or 304."""
        headers = {"ETag": self.etag, "Cache-Control": REVALIDATE}
        if self.changed_us and self.settled:
            headers["Last-Modified"] = format_datetime(
                datetime.fromtimestamp(self.changed_us // SECOND_US, UTC), usegmt=True
            )
        if self.vary:
            headers["Vary"] = self.vary
        return headers

    def still_hold(self, request: Request) -> bool:
        """Whether the client has this very answer already; If-None-Match outranks If-Modified-Since."""
        sent = ", ".join(request.headers.getlist("if-none-match"))
        if "if-none-match" in request.headers:
            # Weak comparison (RFC 9110, 8.8.3.2): W/ in front or not, the opaque tags decide.
            return sent.strip() == "*" or self.etag.removeprefix("W/") in OPAQUE_TAG.findall(sent)
        since = request.headers.get("if-modified-since")
        if since is None or not self.changed_us or not self.settled:
            return False
        try:
            return self.changed_us // SECOND_US <= parsedate_to_datetime(since).timestamp()
        except (ValueError, TypeError, OverflowError):
            return False


class NotModified(Exception):
    """The client has the answer already."""

    def __init__(self, validators: Validators) -> None:
        super().__init__("304")
        self.validators = validators


async def answer_not_modified(_: Request, error: Exception) -> Response:
    """304 with the validators, without a body."""
    assert isinstance(error, NotModified)  # noqa: S101 - registered for no other type
    return Response(status_code=304, headers=error.validators.headers())


def validators_of(
    request: Request,
    seen: Versions,
    layers: Iterable[str],
    *variant: Any,
    vary: str | None = None,
    daily: bool = False,
) -> Validators:
    """Validators of what is about to be answered.

    Parameters
    ----------
    seen
        Versions of a moment after the request came.
    layers
        Whose versions decide.
    variant
        What else does: the form, the language.
    daily
        The answer also changes with the calendar day, so with the hour, wherever on earth the city is; then there is no
        Last-Modified, which would know nothing of it.

    Raises
    ------
    NotModified
        The client has it already.
    """
    layers = tuple(layers)
    hour = seen.now_us // HOUR_US if daily else None
    text = repr((SOFTWARE, seen.key(layers), variant, hour))
    tag = f'W/"{hashlib.blake2b(text.encode(), digest_size=9).hexdigest()}"'
    changed = 0 if daily else seen.changed_us(layers)
    settled = seen.now_us - changed > SETTLED_US
    validators = Validators(tag, changed, settled, vary)
    if validators.still_hold(request):
        raise NotModified(validators)
    return validators


def valid_by(*layers: str, daily: bool = False, languages: bool = False, now_unless: str | None = None) -> Any:
    """A route's dependency: 304 where nothing changed, else the validators go out with the answer (`Edge` adds them).

    Parameters
    ----------
    daily
        As for `validators_of`.
    languages
        The answer is in the language that the browser prefers.
    now_unless
        Without this parameter the answer is of the very moment: then it is another one each time.
    """

    async def check(request: Request) -> None:
        if now_unless is not None and now_unless not in request.query_params:
            return
        depends = ["Accept"] if "f" not in request.query_params else []
        depends += ["Accept-Language"] if languages else []
        variant = [request.headers.get(name) for name in depends]
        seen = await request.app.state.watch.now()
        vary = ", ".join(depends) or None
        request.state.validators = validators_of(request, seen, layers, *variant, vary=vary, daily=daily)

    return Depends(check)
