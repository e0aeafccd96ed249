"""A dust draw as the tests make it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from gis.draw_file import sha256
from gis.draws import make_draw, reveal_draw
from gis.encoding import to_json
from gis.rules.periods import parse_period

PERIOD = parse_period("2016-06-T1")
SEED = "5eed" * 16
BEFORE = datetime(2016, 5, 31, 15, 59, tzinfo=UTC)  # a minute before midnight in Zhengzhou
BEGUN = BEFORE + timedelta(minutes=1)


def made(conn: Connection, **options) -> dict:
    return make_draw(conn, PERIOD, sha256(SEED), "office", BEFORE, **{"roads": 20, **options})


def drawn(conn: Connection, **options) -> dict:
    made(conn, **options)
    return reveal_draw(conn, PERIOD, SEED, "office", BEGUN)


def as_file(document: dict) -> dict:
    return json.loads(to_json(document))
