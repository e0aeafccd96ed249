"""Contacts of citizens: shown to the city's own people, forgotten when asked for or after a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result
from sqlalchemy import Engine, text

from gis.ground import load_ground
from gis.locator import Locator, load_locator
from gis.open311.taking import NewRequest, take_request
from gis.rules.policy import policy_on
from tests.api.tiny import fill, tiny_facts
from tests.conftest import json_of


@pytest.fixture
def two_requests(engine: Engine) -> Engine:
    def locator(conn) -> Locator:
        return load_locator(conn, load_ground(conn), policy_on(datetime.now(UTC).date()))

    with engine.begin() as conn:
        fill(conn, tiny_facts())
        for day, name in ((1, "Wang"), (20, "Li")):
            sent = NewRequest("event:0505", "34.7035", "113.6005", last_name=name, phone="138")
            take_request(conn, locator, sent, datetime(2016, 6, day, tzinfo=UTC))
    return engine


def test_who_sent_a_request(two_requests: Engine, finegrid: Callable[..., Result]) -> None:
    found = json_of(finegrid("open311", "contact", "open311:2", "--json"))
    assert (found["last_name"], found["phone"], found["email"]) == ("Li", "138", None)
    assert "last_name: Wang" in finegrid("open311", "contact", "open311:1").output
    for unknown in ("open311:9", "nix:1", "1"):
        assert finegrid("open311", "contact", unknown).exit_code == 1


def test_forgetting_leaves_the_requests(two_requests: Engine, finegrid: Callable[..., Result]) -> None:
    assert json_of(finegrid("open311", "forget", "--before", "2016-06-02", "--json")) == {"forgotten": 1}
    assert finegrid("open311", "contact", "open311:1").exit_code == 1
    assert finegrid("open311", "contact", "open311:2").exit_code == 0
    assert json_of(finegrid("open311", "forget", "open311:2", "--json")) == {"forgotten": 1}
    assert json_of(finegrid("open311", "forget", "open311:2", "--json")) == {"forgotten": 0}
    assert finegrid("open311", "forget").exit_code == 2
    with two_requests.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM open311_contacts")).scalar() == 0
        assert conn.execute(text("SELECT count(*) FROM reports")).scalar() == 2
