"""What the documents list is what the code has."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from api.app import create_app
from api.bodies import BEGINNINGS
from api.cases import NewCase, NewEvent
from api.draws import NewResult
from api.errors import STATUS_OF
from api.imports import FIELDS
from api.listings import NewListing, NewListingEvent
from api.patrols import FIELDS as PATROL_FIELDS
from api.reports import NewReport
from api.webhooks import Again, NewSecret, NewSubscription
from gis.areas import AREAS
from gis.calendars import CALENDAR
from gis.categories import CATEGORIES
from gis.cells import CELLS
from gis.city import City
from gis.cli.root import main
from gis.coordinators import COORDINATORS
from gis.departments import DEPARTMENTS, LIMITS
from gis.dust_results import RESULTS
from gis.patrol_files import PatrolFile
from gis.readers import Layout
from gis.readers.tables import CSV, GEOJSON, GEOJSON_LINES, PARQUET, VECTOR
from gis.report_files import ALIASES, REQUIRED
from gis.responsibles import RESPONSIBLES
from gis.roads import ROADS
from gis.rules.policy import Policy
from gis.settings import Settings
from gis.store.database import create_database_engine
from gis.tiers import TIER_FILES
from tests.docs.tables import DOCS, TABLES, error_classes, leaves, urn, written

LAYOUTS = {
    "Areas": AREAS,
    "Cells": CELLS,
    "Roads": ROADS,
    "Tiers": TIER_FILES,
    "Coordinators": COORDINATORS,
    "Responsible persons": RESPONSIBLES,
    "Categories": CATEGORIES,
    "Departments": DEPARTMENTS,
    "Limits": LIMITS,
    "Calendar": CALENDAR,
    "Weighing results": RESULTS,
}
# What scripts and clients rely on, by the first part of the contract.
COMMANDS = """db start; db stop; db status; db migrate; load areas; load cells; load roads; load tiers;
load coordinators; load responsibles; load categories; grid make; import reports; reconcile; verify; density; staffing;
map heatmap; serve; listings worst; listings propose; draw make; draw reveal; draw verify"""
ROUTES = """GET /healthz; GET /readyz; GET /metrics; GET /grid/locate; POST /grid/locate; GET /density;
GET /roads/density; GET /staffing; GET /reconciliation; POST /imports; GET /imports/{import_id}; POST /reports;
GET /maps/heatmap; GET /listings"""
SHARED = {"/density", "/roads/density"}
POSTED = {
    "/reports": set(NewReport.model_fields),
    "/imports": {"file", *FIELDS},
    "/patrols": {"file", *PATROL_FIELDS},
    "/cases": set(NewCase.model_fields),
    "/webhooks": set(NewSubscription.model_fields),
    "/webhooks/{webhook_id}/retry": set(Again.model_fields),
    "/webhooks/{webhook_id}/secret": set(NewSecret.model_fields),
    "/cases/{case_id}/events": set(NewEvent.model_fields),
    "/listings": set(NewListing.model_fields),
    "/draws/{period}/results": set(NewResult.model_fields),
    "/listings/{listing_id}/events": set(NewListingEvent.model_fields),
}


def document(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next one of its rank or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,6}} |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"there is no heading {title!r}"
    return found[2]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows_of(text: str, first: str) -> list[list[str]]:
    """Rows of the table whose first column is called so."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith(f"| {first} |")), None)
    if start is None:
        return []
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def needed_of(text: str, first: str) -> dict[str, bool]:
    return {name: row[1] == "yes" for row in rows_of(text, first) for name in named(row[0])}


@pytest.mark.parametrize(("name", "marker"), TABLES)
def test_tables_made_from_the_code(name: str, marker: str) -> None:
    assert written(name, marker) == TABLES[name, marker](), "write it anew: python -m tests.docs.tables"


def test_the_tables_hold_everything() -> None:
    policy = TABLES["rulebook.md", "policy"]()
    settings = TABLES["settings.md", "settings"]()
    errors = TABLES["errors.md", "errors"]()
    assert all(f"`{entry.name}`" in policy for entry in fields(Policy) if entry.name != "effective")
    assert all(f"`FINEGRID_{name.upper()}`" in settings for name in Settings.model_fields)
    assert all(entry.description for entry in Settings.model_fields.values())
    assert set(error_classes()) >= set(STATUS_OF)
    assert all(f"`{urn(kind.__name__)}`" in errors for kind in error_classes())
    assert all(f" {status} " in errors for status in STATUS_OF.values())


# -- formats.md --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", LAYOUTS)
def test_fields_of_a_file(title: str) -> None:
    layout: Layout = LAYOUTS[title]
    expected = dict.fromkeys(layout.required, True) | dict.fromkeys(layout.optional, False)
    assert needed_of(section(document("formats.md"), title), "field") == expected


def test_fields_of_report_files() -> None:
    shown = needed_of(section(document("formats.md"), "Problem reports"), "field")
    assert shown == {name: name in (*REQUIRED, "lon", "lat") for name in ALIASES}


def test_fields_of_patrol_files() -> None:
    shown = needed_of(section(document("formats.md"), "Patrols"), "field")
    assert set(shown) == set(PatrolFile.aliases)
    assert [name for name, needed in shown.items() if needed] == ["time"]


def test_endings_of_files() -> None:
    shown = {word for row in rows_of(document("formats.md"), "format") for word in row[1].split()}
    assert shown == {*CSV, *PARQUET, *GEOJSON, *GEOJSON_LINES, *VECTOR}
    uploads = section(document("api.md"), "POST /imports")
    assert set(re.findall(r"\.\w+(?:\.gz)?", rows_of(uploads, "field")[0][2].split(";")[0])) >= set(BEGINNINGS) - {
        ".csv.gz"
    }


def test_keys_of_a_city() -> None:
    shown = {name.strip("[]") for name in needed_of(section(document("formats.md"), "city.toml"), "key")}
    assert shown == {entry.name for entry in fields(City)} - {"demo_window"} | {"demo"}


# -- cli.md ------------------------------------------------------------------------------------------------------------


def test_the_commands_of_the_contract_are_there() -> None:
    have = {name.removeprefix("finegrid ") for name, _ in leaves(main)}
    assert {" ".join(name.split()) for name in COMMANDS.split(";")} <= have


@pytest.mark.parametrize("name", [name for name, _ in leaves(main)])
def test_every_command_teaches(name: str) -> None:
    answer = CliRunner().invoke(main, [*name.split()[1:], "--help"])
    assert answer.exit_code == 0
    said = [line for line in answer.output.splitlines() if line.strip()]
    assert len(said) > 4
    assert "--json" in answer.output


# -- api.md ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def routes() -> dict[str, dict]:
    """`GET /path` -> what OpenAPI says of it; no database is asked."""
    client = TestClient(create_app(create_database_engine("postgresql://nobody@127.0.0.1:1/nothing")))
    paths = client.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path.replace(':path', '')}": one
        for path, methods in paths.items()
        for method, one in methods.items()
    }


@pytest.fixture(scope="module")
def own_routes(routes: dict[str, dict]) -> dict[str, dict]:
    """The routes of api.md; the others are in ogc.md, and test_doc_ogc.py sees that none is in neither."""
    return {name: routes[name] for name in headings(document("api.md")) if name in routes}


def headings(text: str) -> list[str]:
    """Routes that have a section."""
    return re.findall(r"^### ((?:GET|POST|PUT|DELETE) .*)$", text, re.MULTILINE)


def test_every_route_of_the_contract_is_described(own_routes: dict[str, dict]) -> None:
    text = document("api.md")
    assert headings(text) == list(own_routes)
    listed = re.findall(r"\[((?:GET|POST|PUT|DELETE) /[^\]]*)\]", text)
    assert sorted(listed) == sorted(own_routes)
    assert {" ".join(name.split()) for name in ROUTES.split(";")} <= set(own_routes)


def test_every_parameter_is_described(own_routes: dict[str, dict]) -> None:
    text = document("api.md")
    shared = needed_of(section(text, "Counting"), "parameter")
    for name, route in own_routes.items():
        path = name.split()[1]
        own = section(text, name)
        shown = {**(shared if path in SHARED else {}), **needed_of(own, "parameter")}
        expected = {
            one["name"]: one.get("required", False) for one in route.get("parameters", ()) if one["in"] == "query"
        }
        if name == "POST /grid/locate":
            assert set(expected) == {"datum"}
            assert "datum is then a parameter" in own
            continue
        assert shown == expected, name


@pytest.mark.parametrize("path", POSTED)
def test_every_field_is_described(path: str) -> None:
    assert set(needed_of(section(document("api.md"), f"POST {path}"), "field")) == POSTED[path]


def test_every_route_has_an_example(own_routes: dict[str, dict]) -> None:
    text = document("api.md")
    for name in own_routes:
        assert "$ curl -s" in section(text, name), name


# -- rulebook.md -------------------------------------------------------------------------------------------------------


def test_every_clause_row_has_a_mark_and_a_test() -> None:
    text = document("rulebook.md")
    for title in re.findall(r"^## (Clause .*)$", text, re.MULTILINE):
        rows = rows_of(section(text, title), "rule")
        assert rows
        for row in rows:
            assert row[1] in ("rule", "found", "default"), row
            assert "::test_" in row[3], row
    numbers = {name for name in re.findall(r"`(\w+)`", text) if name in Policy.__dataclass_fields__}
    assert numbers == set(Policy.__dataclass_fields__) - {"effective"}


def test_the_glossary_says_where_and_in_chinese() -> None:
    rows = rows_of(document("rulebook.md"), "English")
    assert len(rows) >= 35
    assert len({row[0] for row in rows}) == len(rows)
    for english, chinese, meaning, where in rows:
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        assert meaning
        assert where or english == "problem"


def test_a_missing_field_would_be_seen() -> None:
    text = (
        "## A\n\n| field | needed |\n|---|---|\n| `a`, `b` | yes |\n| `c` | |\n\n"
        "### B\n| field | needed |\n|---|---|\n| `d` | |\n"
    )
    assert needed_of(section(text, "A"), "field") == {"a": True, "b": True, "c": False}
    assert needed_of(section(text, "B"), "field") == {"d": False}
