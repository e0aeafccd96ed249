"""The two forms of an Open311 answer: XML, and the JSON that follows from it by the "Spark" convention; no database.

In JSON a list loses its name and that of its items (`[{...}]`), in XML both are written (`<services><service>`).
"""

from __future__ import annotations

import re
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from gis.encoding import to_json

Form = Literal["json", "xml"]
MEDIA_TYPES: dict[Form, str] = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
ITEMS = {
    "discovery": "",
    "endpoints": "endpoint",
    "formats": "format",
    "services": "service",
    "service_definition": "",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
}
"""Name of a list -> name of its items; roots that are no lists have none."""
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped: control characters, half surrogates, U+FFFE and U+FFFF."""


def written(form: Form, root: str, value: Any) -> bytes:
    """An answer as bytes in UTF-8.

    Parameters
    ----------
    root
        Name of the root element, one of ITEMS.
    value
        Dicts, lists and plain values; None is null in JSON, an empty element in XML.
    """
    if form == "json":
        return to_json(value) + b"\n"
    element = Element(root)
    _fill(element, value)
    declaration = b'<?xml version="1.0" encoding="utf-8"?>\n'
    return declaration + tostring(element, encoding="utf-8", xml_declaration=False) + b"\n"


def _fill(element: Element, value: Any) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _fill(SubElement(element, name), inner)
    elif isinstance(value, list):
        for inner in value:
            _fill(SubElement(element, ITEMS[element.tag]), inner)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        element.text = NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))
