"""OGC API items: pages, boxes and CQL2 filters, beside tipg and beside the same GeoJSON made by one SQL statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import orjson

from bench.asking import Served, request_of, rotated
from bench.city import SIDE_LAT, SIDE_LON, extent_of
from bench.measure import Measured
from bench.peers import finegrid, tipg

if TYPE_CHECKING:
    from bench.__main__ import Bench

OURS = "/collections/cells/items"
TIPG = "/collections/public.cells/items"
USUAL, LARGE = 126, 1000
TARGET_OF_TIPG = {USUAL: 8, LARGE: 20}
TARGET_OF_SQL = 0.7
SECONDS, ROUNDS = 1.0, 3
MOST = 3000  # requests of one kind that a server is asked in a round
COMPARED = 12
EASY = 5000
"""An OFFSET must pass over all that lies before it; up to so many features tipg hardly feels it."""


@dataclass(frozen=True)
class Question:
    """The same question put to everybody."""

    ours: str
    tipg: str
    bare: str


@dataclass(frozen=True)
class Kind:
    """Questions of one kind; none is asked twice of the same server, but when answers are compared."""

    name: str
    features: int
    questions: Sequence[Question]
    easy: Sequence[Question] = ()
    """For pages: those that tipg answers fastest."""


def section(bench: Bench) -> list[Measured]:
    """Four kinds of questions in two sizes."""
    with finegrid(bench) as ours, tipg(bench) as peer:
        rng = np.random.default_rng(41)
        tokens = _tokens(ours)
        kinds = [
            kind
            for features in (USUAL, LARGE)
            for kind in (
                _pages(tokens, features, rng),
                _boxes(bench, features, rng),
                _property_filters(tokens, features, rng),
                _shape_filters(bench, features, rng),
            )
        ]
        return [_measure(kind, ours, peer) for kind in kinds]


def _measure(kind: Kind, ours: Served, peer: Served) -> Measured:
    same = _compare(kind, ours, peer)
    works: dict[str, tuple[Served, Callable[[Question], str], Sequence[Question]]] = {
        "tipg": (peer, lambda one: one.tipg, kind.easy or kind.questions),
        "one SQL statement": (ours, lambda one: one.bare, kind.questions),
        "ours": (ours, lambda one: one.ours, kind.questions),
    }
    if kind.easy:
        works["tipg, pages anywhere"] = (peer, lambda one: one.tipg, kind.questions)
    rates: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS):
        for name in rotated(works, turn):
            server, path, questions = works[name]
            share = len(questions) // ROUNDS
            requests = [request_of(path(one)) for one in questions[turn * share : (turn + 1) * share][:MOST]]
            rates[name].append(server.rate(requests, SECONDS))
    per_second = {name: median(values) for name, values in rates.items()}
    mine = per_second.pop("ours")
    targets = {"tipg": TARGET_OF_TIPG[kind.features], "one SQL statement": TARGET_OF_SQL}
    return Measured(
        f"{kind.name} of about {kind.features:,} cells", mine, per_second, targets, rate=True, identical=same
    )


# -- questions ---------------------------------------------------------------------------------------------------------


def _tokens(ours: Served) -> list[tuple[int, str, str]]:
    """Where pages begin: features before, our token and the last code; found by following the `next` links."""
    found: list[tuple[int, str, str]] = []
    path, before = f"{OURS}?limit={USUAL}", 0
    while True:
        answer = ours.ask(path)
        if answer.status != 200:
            msg = f"{path} was answered {answer.status}: {answer.body[:300]!r}"
            raise RuntimeError(msg)
        body = orjson.loads(answer.body)
        links = [link["href"] for link in body["links"] if link["rel"] == "next"]
        if not links:
            return found
        query = urlsplit(links[0]).query
        before += len(body["features"])
        found.append((before, parse_qs(query)["after"][0], body["features"][-1]["properties"]["code"]))
        path = f"{OURS}?{query}"


def _pages(tokens: list[tuple[int, str, str]], features: int, rng: np.random.Generator) -> Kind:
    """Pages anywhere; their sizes differ a little, so that there are enough of them."""
    sizes = range(features - 6, features + 7)
    last = tokens[-1][0] - 2 * features
    starts = [(start, size) for start in tokens if start[0] <= last for size in sizes]

    def question(start: tuple[int, str, str], size: int) -> Question:
        before, token, code = start
        return Question(
            f"{OURS}?limit={size}&after={quote(token)}",
            f"{TIPG}?limit={size}&offset={before}",
            f"/bare/page?limit={size}&after={code}",
        )

    def shuffled(chosen: list[tuple[tuple[int, str, str], int]]) -> list[Question]:
        return [question(*chosen[at]) for at in rng.permutation(len(chosen))]

    return Kind("pages", features, shuffled(starts), shuffled([one for one in starts if one[0][0] <= EASY]))


def _anywhere(bench: Bench, width: float, height: float, count: int, rng: np.random.Generator) -> list[tuple[Any, Any]]:
    west, south, east, north = extent_of(bench.cells)
    lon = rng.uniform(west, max(west, east - width), count)
    lat = rng.uniform(south, max(south, north - height), count)
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def _boxes(bench: Bench, features: int, rng: np.random.Generator) -> Kind:
    side = np.sqrt(features) - 1.06  # a box also meets cells that stick out of it
    width, height = side * SIDE_LON, side * SIDE_LAT

    def question(w: float, s: float) -> Question:
        west, south, east, north = (f"{value:.6f}" for value in (w, s, w + width, s + height))
        asked = f"limit={2 * features}&bbox={west},{south},{east},{north}"
        return Question(f"{OURS}?{asked}", f"{TIPG}?{asked}", f"/bare/box?w={west}&s={south}&e={east}&n={north}")

    at = _anywhere(bench, width, height, MOST * ROUNDS, rng)
    return Kind("bbox", features, [question(*one) for one in at])


def _filtered(ours: str, peer: str, bare: str, features: int) -> Question:
    asked = f"limit={2 * features}&filter-lang=cql2-text&filter="
    return Question(f"{OURS}?{asked}{quote(ours)}", f"{TIPG}?{asked}{quote(peer)}", f"/bare/{bare}")


def _property_filters(tokens: list[tuple[int, str, str]], features: int, rng: np.random.Generator) -> Kind:
    """Cells of a tier, larger than so much, with codes from here to there."""
    codes = [code for _, _, code in tokens]
    steps = max(1, round(2.1 * features / USUAL))  # not quite half of the cells are larger

    def question(first: int) -> Question:
        low, high, km2 = codes[first], codes[first + steps], f"{rng.uniform(0.0098, 0.0102):.7f}"
        text = f"tier = 'general' AND area_km2 > {km2} AND code > '{low}' AND code <= '{high}'"
        return _filtered(text, text, f"codes?km2={km2}&low={low}&high={high}", features)

    starts = rng.integers(0, len(codes) - steps, MOST * ROUNDS)
    return Kind("CQL2 filter of properties", features, [question(int(first)) for first in starts])


def _shape_filters(bench: Bench, features: int, rng: np.random.Generator) -> Kind:
    """Cells larger than so much that meet a crooked quadrilateral."""
    side = np.sqrt(2.5 * features)
    width, height = side * SIDE_LON, side * SIDE_LAT

    def question(w: float, s: float) -> Question:
        bent = rng.uniform(0, 0.15, 8) * ([width, height] * 4)
        corners = [
            (w + bent[0], s + bent[1]),
            (w + width - bent[2], s + bent[3]),
            (w + width - bent[4], s + height - bent[5]),
            (w + bent[6], s + height - bent[7]),
        ]
        ring = ", ".join(f"{lon:.6f} {lat:.6f}" for lon, lat in [*corners, corners[0]])
        km2 = f"{rng.uniform(0.0098, 0.0102):.6f}"
        ours, peer = (f"area_km2 > {km2} AND S_INTERSECTS({name}, POLYGON(({ring})))" for name in ("geometry", "geom"))
        return _filtered(ours, peer, f"shape?km2={km2}&shape={quote(f'POLYGON(({ring}))')}", features)

    at = _anywhere(bench, width, height, MOST * ROUNDS, rng)
    return Kind("CQL2 filter with a polygon", features, [question(*one) for one in at])


# -- the same answers --------------------------------------------------------------------------------------------------


def _compare(kind: Kind, ours: Served, peer: Served) -> str:
    """Codes beside tipg's, whole features beside those of the bare statement."""
    from_tipg = from_sql = features = 0
    for one in kind.questions[-COMPARED:]:
        mine, theirs, bare = (
            orjson.loads(server.ask(path).body)["features"]
            for server, path in ((ours, one.ours), (peer, one.tipg), (ours, one.bare))
        )
        features += len(mine)
        from_tipg += {_code(feature) for feature in mine} != {_code(feature) for feature in theirs}
        from_sql += sorted(map(_content, mine)) != sorted(map(_content, bare))
    return (
        f"of {COMPARED} answers ({features / COMPARED:,.0f} features each) {from_tipg} differ from tipg's in codes,"
        f" {from_sql} from SQL's in content"
    )


def _code(feature: dict[str, Any]) -> str:
    return str(feature["properties"]["code"])


def _content(feature: dict[str, Any]) -> tuple[str, str, str]:
    return (
        str(feature["id"]),
        str(sorted(feature["properties"].items())),
        str(feature["geometry"]["coordinates"]),
    )
