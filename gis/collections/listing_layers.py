"""The collections of places under supervision 挂牌督办: as points, and as the ground that belongs to each.

Lines of segments and polygons of spots cannot share a collection, whose features all have one kind of geometry; so one
has a point on each place, the other all that is within reach of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gis.city import read_city
from gis.collections.declared import Bound, Collection, Given, Parameter, Property
from gis.store.schema_listings import KINDS, STATES

DEADLINES = (
    Parameter("on", "Day for which deadlines are counted; today if not given", "统计日，用于计算期限；默认今天", "day"),
)
PROPERTIES = (
    Property("id", "integer", "Number of the listing", "督办编号"),
    Property("kind", "string", "Segment or spot", "类型（路段、点位）", one_of=KINDS),
    Property("period", "string", "Ten-day period", "旬"),
    Property("rank", "integer", "Rank in its period; empty: by hand", "当旬排名（人工挂牌为空）", nullable=True),
    Property("code", "string", "Code of the road segment", "路段代码", nullable=True),
    Property("name", "string", "Name of the road", "道路名称", nullable=True),
    Property("street_code", "string", "Code of the street office", "街道代码", nullable=True),
    Property("street_name", "string", "Street office that answers", "责任街道", nullable=True),
    Property("responsible", "string", "Responsible person when it was listed", "挂牌时责任人", nullable=True),
    Property("state", "string", "State", "状态", one_of=STATES),
    Property("reports", "integer", "Reports that it stands for", "上报数", "reports"),
    Property("score", "number", "Weighted problems per km; of a spot: weighted problems", "得分（路段为每公里）"),
    Property("first_day", "date", "First day of its period", "当旬首日"),
    Property("listed_on", "date", "Listed on", "挂牌日", nullable=True),
    Property("due_on", "date", "Last day in time", "整改期限", nullable=True),
    Property("hold_until", "date", "Last day of the hold", "观察期截止", nullable=True),
    Property("ended_on", "date", "Delisted or dismissed on", "摘牌日", nullable=True),
    Property("days_left", "integer", "Days left; negative: overdue", "剩余天数（负数为超期）", "days", nullable=True),
    Property("overdue_days", "integer", "Days overdue, all together", "累计超期天数", "days"),
    Property("escalated", "boolean", "That it is overdue was noted", "已升级督办"),
)


def _number(feature_id: str) -> Mapping[str, Any] | None:
    return {"id": int(feature_id)} if re.fullmatch(r"[0-9]{1,18}", feature_id) else None


def _on_a_day(conn: Connection, given: Given) -> Bound:
    today = given.get("on") or datetime.now(read_city(conn).zone).date()
    return Bound({"today": today}, {"on": today})


def _layer(name: str, title: str, title_zh: str, description: str, description_zh: str, **shape: Any) -> Collection:
    return Collection(
        id=name,
        title=title,
        title_zh=title_zh,
        description=description,
        description_zh=description_zh,
        properties=PROPERTIES,
        key=("id",),
        feature_id="id",
        identify=_number,
        layers=("listings", "roads", "areas", "responsibles"),
        time=("first_day", "ended_on"),
        parameters=DEADLINES,
        bind=_on_a_day,
        daily=True,
        sums=("reports", "overdue_days"),
        synthetic="reports",
        **shape,
    )


LISTINGS = _layer(
    "listings",
    "Places under supervision",
    "挂牌督办",
    "Worst segments and spots, each a point on the place, with deadline, days left or over it, and who answers.",
    "最差路段与点位，以点表示；含整改期限、剩余或超期天数、责任街道与责任人。",
    question="collection_listings",
    geometry="point",
    beyond_deg=0.0,
)

LISTING_GROUNDS = _layer(
    "listing-grounds",
    "Ground under supervision",
    "挂牌督办范围",
    "The same places as ground: within 30 m of the segment, or within 50 m of a report of the spot.",
    "挂牌范围：路段两侧 30 米以内，或点位各上报 50 米以内。",
    question="collection_listing_grounds",
    geometry="multipolygon",
    beyond_deg=0.001,
)
