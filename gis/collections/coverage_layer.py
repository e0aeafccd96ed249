"""The collection of road segments with what was surveyed of them in a period 普查覆盖."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gis.city import read_city
from gis.collections.declared import Bound, Collection, Given, Parameter, Property
from gis.coverage import default_period, firsts_of, policy_of
from gis.errors import ParameterError
from gis.rules.periods import parse_period
from gis.store.schema import ROAD_CLASSES

PERIOD = Parameter(
    "period",
    "Ten-day period 2016-05-T1, -T2, -T3, or a month 2016-05; the last of the window that the city opens with, or "
    "today's, if not given",
    "旬（2016-05-T1、-T2、-T3）或月（2016-05）；默认为城市默认时段的最后一旬，否则为当前旬",
    pattern=r"^\d{4}-\d{2}(-T[123])?$",
)


def segments_of_period(conn: Connection, given: Given) -> Bound:
    """How the collection is bound: the periods that are meant, and from which share on a segment counts as surveyed.

    Raises
    ------
    ParameterError
        The period is none.
    """
    city, written = read_city(conn), given.get("period")
    try:
        period = parse_period(written) if written else default_period(city, datetime.now(city.zone).date())
    except ValueError as problem:
        raise ParameterError("period", str(problem)) from problem
    binds = {
        "firsts": "{" + ",".join(map(str, firsts_of(period))) + "}",
        "share": policy_of(conn, period).surveyed_share,
    }
    return Bound(binds, {"period": period.name, "from": period.first, "to": period.after})


COVERAGE = Collection(
    id="coverage",
    title="Survey coverage: road segments",
    title_zh="道路普查覆盖",
    description="Road segments with what patrols surveyed of them in a ten-day period. A segment that was not surveyed "
    "has `surveyed` false: nothing is known about it, which is not the same as clean.",
    description_zh="各路段在一旬内的巡查覆盖情况。未巡查路段 surveyed 为 false：情况不明，不等于干净。",
    question="collection_coverage",
    properties=(
        Property("code", "string", "Code", "代码"),
        Property("name", "string", "Name", "名称", nullable=True),
        Property("class", "string", "Road class", "道路等级", one_of=ROAD_CLASSES),
        Property("street_code", "string", "Street that holds most of it", "所属街道代码", nullable=True),
        Property("street_name", "string", "Name of that street", "所属街道名称", nullable=True),
        Property("length_m", "number", "Length, geodesic", "长度（测地）", "m"),
        Property("surveyed_m", "number", "Surveyed length", "已巡查长度", "m"),
        Property("coverage", "number", "Surveyed by all", "覆盖率", "1", nullable=True),
        Property(
            "surveyed",
            "boolean",
            "Surveyed enough; false: not known, not clean",
            "是否已巡查（否：情况不明）",
        ),
        Property("last_surveyed_at", "date-time", "Last pass in the period", "旬内最近巡查时间", nullable=True),
    ),
    key=("code",),
    geometry="multilinestring",
    layers=("city", "surveys", "roads", "areas", "policy"),
    parameters=(PERIOD,),
    bind=segments_of_period,
    daily=True,
    sums=("length_m", "surveyed_m"),
    synthetic="patrols",
)
