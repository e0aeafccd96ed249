"""The addresses of a page: which link of a document is which, where a page's other forms are, and the way back up.

A document's links name its neighbours for programs. A page leads to the same neighbours as pages, in the reader's
language; so an address is used with `f=html` and `lang`, whichever form the link was written for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

JSON_TYPES = ("application/geo+json", "application/schema+json", "application/json")
ROOMS = ("collections", "conformance", "tiles", "tileMatrixSets")
"""First parts of a path below the landing page."""
PAGING = frozenset({"offset", "cursor", "token", "start", "startindex", "after", "page"})
ONE_PAGE_ONLY = PAGING | {"f", "lang", "limit", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs"}
ONE_PAGE_ONLY |= {"sortby", "properties", "crs", "skipGeometry"}
"""Parameters of a page of items that one item does not have; the others say what is counted and go along."""


@dataclass(frozen=True)
class Link:
    """A link of a document; `rel` is the last part where it is a URI."""

    href: str
    rel: str
    type: str
    title: str
    templated: bool

    @property
    def is_page(self) -> bool:
        """Whether it says that it leads to HTML."""
        return self.type.startswith("text/html")

    @property
    def is_json(self) -> bool:
        """Whether it says that it leads to the JSON form of a resource."""
        return self.type.split(";")[0].strip() in JSON_TYPES


def is_safe(href: str) -> bool:
    """Whether a link may be followed: on the web or relative, so no `javascript:`.

    Browsers ignore blanks and control characters inside a scheme, so they must not hide one.
    """
    bare = re.sub(r"[\x00-\x20\x7f-\xa0]", "", href)
    scheme = re.match(r"([^/?#:]*):", bare)
    return bool(bare) and (scheme is None or scheme[1].lower() in ("http", "https"))


def links_of(holder: Mapping[str, Any]) -> list[Link]:
    """The links of a document, or of a part of it, that may be followed."""
    found = []
    for link in holder.get("links") or ():
        href = str(link.get("href") or "")
        if is_safe(href):
            rel = str(link.get("rel") or "").rstrip("/").rsplit("/", 1)[-1].removeprefix("[ogc-rel:").removesuffix("]")
            texts = (str(link.get("type") or ""), str(link.get("title") or ""))
            found.append(Link(href, rel, *texts, templated=bool(link.get("templated"))))
    return found


def with_query(href: str, changes: Mapping[str, str | None]) -> str:
    """Give an address other values of some parameters; None takes one away. The others stay, in their order."""
    parts = urlsplit(href)
    kept = [(name, value) for name, value in query_of(href) if name not in changes]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    # A reader sees these in the address bar; they need no escape in a query.
    return urlunsplit(parts._replace(query=urlencode(kept, quote_via=quote, safe=":/,"), fragment=""))


def query_of(href: str) -> list[tuple[str, str]]:
    """The parameters of an address."""
    return parse_qsl(urlsplit(href).query, keep_blank_values=True)


@dataclass(frozen=True)
class Crumb:
    """A step of the way back up: the part of the path, and its address."""

    part: str
    href: str


class Addresses:
    """Where the page is and what it leads to.

    Parameters
    ----------
    document
        The JSON document with its links.
    lang
        Language that the neighbours are opened in.
    given
        Addresses that the document does not have: `self` (the page as it was asked for), `landing`, `heatmap`, `docs`.
    """

    def __init__(self, document: Mapping[str, Any], lang: str, given: Mapping[str, str]) -> None:
        self.links = links_of(document)
        self.lang = lang
        self._given = {name: href for name, href in given.items() if is_safe(href)}
        own = self.all("self", "alternate")
        itself = [*(link for link in own if link.is_page), *self.all("self"), *own]
        self.here = self._given.get("self") or (itself[0].href if itself else "")
        data = [link.href for link in own if link.is_json]
        self.json = with_query(data[0] if data else self.here, {"lang": None, **({} if data else {"f": "json"})})

    def all(self, *rels: str) -> list[Link]:
        """Links of these relations, those that are addresses as they stand."""
        return [link for link in self.links if link.rel in rels and not link.templated]

    def first(self, *rels: str) -> Link | None:
        """The link of one of these relations; the page among several forms."""
        return next(iter(sorted(self.all(*rels), key=lambda link: not link.is_page)), None)

    def page(self, href: str) -> str:
        """The page of a resource in the reader's language."""
        return with_query(href, {"f": "html", "lang": self.lang})

    def page_of(self, *rels: str) -> str | None:
        """The page that a relation leads to, if the document has it."""
        link = self.first(*rels)
        return None if link is None else self.page(link.href)

    def in_language(self, lang: str) -> str:
        """The same page in another language, all else as it is."""
        return with_query(self.here, {"lang": lang})

    def beside(self, part: str) -> str:
        """The address of a neighbour: the path's last part exchanged, without parameters."""
        parts = urlsplit(self.here)
        path = parts.path.rstrip("/").rsplit("/", 1)[0] + "/" + quote(part, safe="")
        return urlunsplit(parts._replace(path=path, query="", fragment=""))

    @property
    def root(self) -> str:
        """The landing page, without parameters."""
        if "landing" in self._given:
            return self._given["landing"]
        parts = urlsplit(self.here)
        before, _ = _split(parts.path)
        return urlunsplit(parts._replace(path=before + "/", query="", fragment=""))

    def door(self, name: str, otherwise: str) -> str:
        """An address that was given, else one under the landing page."""
        return self._given.get(name) or urlunsplit(urlsplit(self.root)._replace(path=otherwise, query=""))

    def crumbs(self) -> list[Crumb]:
        """The steps from the landing page (not included) to this page."""
        parts = urlsplit(self.here)
        before, below = _split(parts.path)
        found = []
        for depth in range(1, len(below) + 1):
            query = urlencode(self.own_query()) if below[depth - 1] == "items" else ""
            href = urlunsplit(parts._replace(path="/".join([before, *below[:depth]]), query=query, fragment=""))
            found.append(Crumb(unquote(below[depth - 1]), self.page(href)))
        return found

    def own_query(self, names: frozenset[str] | None = None) -> list[tuple[str, str]]:
        """The parameters that say what a collection counts, such as its days; `names`: those it declares, if known."""
        kept = query_of(self.here)
        return [(n, v) for n, v in kept if (n in names if names is not None else n not in ONE_PAGE_ONLY)]

    def paging(self) -> frozenset[str]:
        """The parameters by which the pages of a list differ."""
        following = self.first("next")
        if following is None:
            return PAGING
        mine, theirs = query_of(self.here), query_of(following.href)
        return PAGING | ({name for name, value in theirs if (name, value) not in mine} - {"f", "lang", "limit"})


def _split(path: str) -> tuple[str, list[str]]:
    """A path before the first room, and the parts from there on."""
    parts = path.rstrip("/").split("/")
    at = next((n for n, part in enumerate(parts) if part in ROOMS), len(parts))
    return "/".join(parts[:at]), parts[at:]
