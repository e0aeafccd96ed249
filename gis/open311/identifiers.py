"""service_request_id <-> identity of a report (source and source_ref); no database.

`source:source_ref`, so that a request is found again in every other answer of the city. Characters that would end the
identifier somewhere (a comma in a list, a slash in a path) or that XML cannot hold are written ~XX, their UTF-8 bytes
in hexadecimal; a percent sign would be decoded on the way by some clients and not by others.
"""

from __future__ import annotations

import re

from gis.errors import NotFound

UNSAFE_IN_SOURCE = re.compile(r"[^\w.-]")
UNSAFE_IN_REF = re.compile(r"[^\w.:-]")
ESCAPED = re.compile(rb"~([0-9A-Fa-f]{2})")


def service_request_id(source: str, source_ref: str) -> str:
    """Identifier of a report as a service request."""
    return f"{UNSAFE_IN_SOURCE.sub(_escape, source)}:{UNSAFE_IN_REF.sub(_escape, source_ref)}"


def _escape(found: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in found.group().encode())


def report_of(identifier: str) -> tuple[str, str]:
    """Source and source_ref of a service request.

    Raises
    ------
    NotFound
        It cannot be one.
    """
    source, sign, ref = identifier.strip().partition(":")
    try:
        pair = _unescape(source), _unescape(ref)
    except UnicodeError:
        pair = "", ""
    if not sign or not all(pair) or any("\0" in part for part in pair):
        msg = f"service_request_id {identifier[:80]!r} was not found; source:number such as open311:1042 is right"
        raise NotFound(msg)
    return pair


def _unescape(text: str) -> str:
    return ESCAPED.sub(lambda found: bytes.fromhex(found.group(1).decode()), text.encode()).decode()
