"""The collection of places tested for hot spots 热点."""

from __future__ import annotations

from sqlalchemy import Connection

from gis.collections.declared import Bound, Collection, Given, Parameter, Property
from gis.collections.windows import PERIOD, asked_window
from gis.encoding import to_json
from gis.hot_spots import COLUMNS, LAYERS, VERDICTS, HotSpotQuery, hot_spots

LEVELS = ("cell", "community", "street", "district")
LEVEL = Parameter(
    "level",
    "cell (if not given), or a level that the city has: community, street, district",
    "cell（单元网格，默认），或城市已有的层级：community（社区）、street（街道）、district（区）",
    one_of=LEVELS,
)


def tested_places(conn: Connection, given: Given) -> Bound:
    """How the collection is bound: what was found out travels to the database, place by place.

    Raises
    ------
    ParameterError
        The window, a category or the level cannot be.
    """
    found = hot_spots(conn, HotSpotQuery(given.get("level") or "cell", asked_window(conn, given)))
    rows = [
        {"place": place, **{name: row[name] for name in COLUMNS[2:]}}
        for place, row in zip(found.table.ids.tolist(), found.table.rows(), strict=True)
    ]
    head = found.head()
    facts = {name: head[name] for name in ("level", "from", "to", "days", "permutations", "seed", "fdr", "verdict")}
    return Bound({"rows": to_json(rows).decode(), "level": found.query.level}, facts)


HOT_SPOTS = Collection(
    id="hotspots",
    title="Hot and cold spots",
    title_zh="热点与冷点",
    description="Places where problems are denser (hot) or thinner (cold) than chance would have it: Gi* on reports "
    "per km2, permutations, false discoveries controlled. `not_significant` is an answer: chance alone makes such "
    "differences.",
    description_zh="问题密度显著高于（热点）或低于（冷点）随机水平的网格或区域：Gi* 统计量、置换检验并控制误判率；"
    "not_significant 表示差异可由随机波动解释。",
    question="collection_hot_spots",
    properties=(
        Property("code", "string", "Code", "代码"),
        Property("name", "string", "Name", "名称"),
        Property("count", "integer", "Reports", "上报数", "reports"),
        Property("area_km2", "number", "Area of the cells, geodesic", "单元网格面积（测地）", "km2"),
        Property("per_km2", "number", "Reports per km2", "每平方公里上报数", "1/km2", nullable=True),
        Property("neighbours", "integer", "Neighbours that it was compared with", "邻居数"),
        Property("z", "number", "Gi*, a standard score", "Gi* 标准分", "1", nullable=True),
        Property("p_sim", "number", "Two-sided p of the permutations", "置换检验双侧 p 值", "1", nullable=True),
        Property("q", "number", "q: p under control of false discoveries", "误判率校正后的 q 值", "1", nullable=True),
        Property("verdict", "string", "Hot, cold or not significant", "判定", one_of=VERDICTS, nullable=True),
        Property("verdict_zh", "string", "The same in Chinese", "判定（中文）", nullable=True),
        Property("note", "string", "Why there is no verdict", "未判定的原因", nullable=True),
    ),
    key=("code",),
    geometry="multipolygon",
    layers=LAYERS,
    parameters=(LEVEL, *PERIOD),
    bind=tested_places,
    sums=("count", "area_km2"),
    synthetic="reports",
)
