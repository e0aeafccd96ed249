"""docs/open311.md describes every Open311 route with its parameters and fields, and each example is run."""

from __future__ import annotations

import re

import pytest

from api.open311_asked import FORM_SCHEMA
from gis.open311.words import MOVES, STATES
from gis.rules.cases import ENDED
from tests.docs.test_doc_tables import document, headings, named, needed_of, routes, rows_of, section

__all__ = ["routes"]
POST = "POST /open311/v2/requests.{form}"


@pytest.fixture(scope="module")
def text() -> str:
    return document("open311.md")


def test_every_route_has_a_section_and_an_example(text: str, routes: dict[str, dict]) -> None:
    own = [name for name in routes if " /open311/" in name]
    assert sorted(headings(text)) == sorted(own)
    assert sorted(re.findall(r"\[((?:GET|POST) /open311/[^\]]*)\]", text)) == sorted(own)
    for name in own:
        assert "$ curl -s" in section(text, name), name


def test_every_parameter_is_described(text: str, routes: dict[str, dict]) -> None:
    for name in headings(text):
        parameters = routes[name].get("parameters", ())
        expected = {one["name"]: one.get("required", False) for one in parameters if one["in"] == "query"}
        assert needed_of(section(text, name), "parameter") == expected, name


def test_every_field_of_a_request_is_described(text: str) -> None:
    shown = needed_of(section(text, POST), "field")
    assert set(shown) == set(FORM_SCHEMA["properties"])
    assert [name for name, needed in shown.items() if needed] == ["api_key", *FORM_SCHEMA["required"]]


def test_every_state_is_in_the_table(text: str) -> None:
    rows = rows_of(section(text, "States"), "state")
    assert [named(row[0])[0] for row in rows] == list(STATES)
    for row in rows:
        state = named(row[0])[0]
        assert row[1] == ("closed" if state in ENDED else "open")
        assert (row[2], row[3]) == STATES[state]


def test_every_update_is_in_the_table(text: str) -> None:
    rows = rows_of(section(text, "GET /open311/v2/servicerequestupdates.{form}"), "move")
    assert {named(row[0])[0]: (row[1], row[2]) for row in rows} == MOVES
