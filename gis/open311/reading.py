"""What other Open311 servers answer, in either form, as rows of text; no database, no network.

What strangers send is read by parsers that resolve nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

Row = dict[str, str]
LISTS = ("service_requests", "services", "requests", "service_request", "data")
"""Under which names servers wrap a list that the specification sends bare."""
ERRORS = "errors"
CONTROL = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2\d|3[01]));", re.I
)
"""Control characters, raw or as references: XML cannot hold them, some servers send them all the same."""


def said_in(body: bytes) -> str:
    """What an error says, where it says it as Open311 does."""
    try:
        rows = rows_of(body)
    except ValueError:
        return ""
    return "; ".join(row["description"][:300] for row in rows if row.get("description"))


def rows_of(body: bytes) -> list[Row]:
    """The items of a list in either form, each with its plain values as text.

    Numbers stay as they were written; nested values are left out, empty ones too.

    Raises
    ------
    ValueError
        It is neither, or no list.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return _xml_rows(text)
    try:
        read = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as problem:
        msg = "it is neither JSON nor XML"
        raise ValueError(msg) from problem
    if isinstance(read, dict):
        read = next((read[name] for name in LISTS if isinstance(read.get(name), list)), None)
    if not isinstance(read, list):
        msg = "it is no list"
        raise ValueError(msg)
    return [
        {name: _text(value) for name, value in row.items() if _text(value)} for row in read if isinstance(row, dict)
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else ""


def _xml_rows(text: bytes) -> list[Row]:
    root = _parsed(text)
    # Any other page, well-formed by chance, would read as a list without items: requests would be lost silently.
    if _tag(root) not in (*LISTS, ERRORS):
        msg = f"its root is {_tag(root)[:40]!r}, not service_requests or services"
        raise ValueError(msg)
    return [
        {_tag(inner): inner.text.strip() for inner in item if not len(inner) and inner.text and inner.text.strip()}
        for item in root
    ]


def _parsed(text: bytes) -> Element:
    try:
        try:
            return fromstring(text)
        except ParseError:
            return fromstring(CONTROL.sub(b" ", text))
    except (ParseError, DefusedXmlException, LookupError, ValueError) as problem:
        msg = f"it is no XML that can be read: {problem}"
        raise ValueError(msg) from problem


def _tag(element: Element) -> str:
    """Name of an element without its namespace, which some servers write."""
    return str(element.tag).rpartition("}")[2]
