"""GET /hotspots: where problems are denser than chance would have it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import Reading, TrueGround
from api.encoding import form_responses, synthetic_layers, table_answer, with_geometry
from api.parameters import Categories, FormatChoice, OpenFromDay, OpenToDay, Sources, WithoutShared, only_known
from api.validators import valid_by
from gis.collections.windows import window_or_default
from gis.density import DensityQuery
from gis.hot_spots import (
    COLUMNS,
    DEFAULT_SEED,
    FEWEST_PERMUTATIONS,
    LAYERS,
    MOST_PERMUTATIONS,
    MOST_SEED,
    HotSpotQuery,
    hot_spots,
)

router = APIRouter(tags=["density"], dependencies=[Depends(only_known)])
Level = Annotated[
    str, Query(description="cell, or a level that the city has: community, street, district", examples=["street"])
]
Permutations = Annotated[
    int | None,
    Query(
        ge=FEWEST_PERMUTATIONS,
        le=MOST_PERMUTATIONS,
        description="How many random arrangements; 999, or as many more as let one hot spot stand out among all, "
        "if not given",
    ),
]
Seed = Annotated[
    int, Query(ge=0, le=MOST_SEED, description="Of the random arrangements: the same one, the same answer")
]
EXAMPLE = {
    "level": "street",
    "from": "2016-05-01",
    "to": "2016-06-01",
    "days": 31,
    "method": "Gi* on reports per km2, conditional permutations, two-sided p, Benjamini-Hochberg",
    "weights": "binary, the place itself included: areas that touch (gaps up to 1 m)",
    "permutations": 9999,
    "seed": 1,
    "fdr": 0.05,
    "total": {"hot": 3, "cold": 0, "not_significant": 82, "not_tested": 0},
    "verdict": "3 hot and 0 cold among 85 places; at most 5 % of these are expected to be chance",
    "verdict_zh": "85 处中热点 3 处、冷点 0 处；其中误判比例预期不超过 5%",
    "facts_sha256": "9f2c",
    "synthetic": [],
    "rows": [
        {
            "code": "410102001",
            "name": "林山寨街道",
            "count": 421,
            "area_km2": 4.21,
            "per_km2": 100.0,
            "neighbours": 6,
            "z": 4.1,
            "p_sim": 0.0002,
            "q": 0.0085,
            "verdict": "hot",
            "verdict_zh": "热点",
            "note": None,
        }
    ],
}


@router.get(
    "/hotspots",
    summary="Where problems are denser than chance would have it",
    description="Gi* of Getis and Ord on reports per km2, the place itself included; conditional permutations, "
    "two-sided; Benjamini-Hochberg keeps the share of false ones among places called hot or cold. `verdict` is hot, "
    "cold or not_significant, which is an answer, too. Null with a `note` where a place has no cells or is too small.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_by(*LAYERS)],
)
def get_hot_spots(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    level: Level,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    source: Sources = [],  # noqa: B006
    permutations: Permutations = None,
    seed: Seed = DEFAULT_SEED,
    *,
    without_shared: WithoutShared = False,
    f: FormatChoice = None,
) -> Response:
    """Every place of a level, tested."""
    first, after = window_or_default(conn, ground.city, from_day, to_day)
    counted = DensityQuery(first, after, tuple(category), tuple(source), without_shared=without_shared)
    found = hot_spots(conn, HotSpotQuery(level, counted, permutations, seed), ground)
    head = {**found.head(), "synthetic": synthetic_layers(ground.city)}
    table = found.table
    rows = table.rows()
    features = with_geometry(request, conn, table.target, table.ids, table.columns["code"], rows)
    return table_answer(request, f, head, COLUMNS, rows, features, f"hotspots-{level}-{first}-{after}")
