"""Whatever is wrong with a request is a problem document with the right status, and teaches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import Engine, text

from api.app import CONNECTIONS, create_app
from gis.store.database import create_database_engine

WINDOW = "from=2016-05-01&to=2016-05-21"


def check_problem(answer: Response, status: int) -> dict:
    """It is a problem document of this status; gives it back."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    assert {"type", "title", "detail", "instance"} <= set(found)
    return found


@pytest.mark.parametrize(
    ("path", "parameter", "taught"),
    [
        (f"/density?{WINDOW}", "level", "missing"),
        ("/density?level=cell&to=2016-05-21", "from", "missing"),
        ("/density?level=cell&from=2016-05-01", "to", "missing"),
        ("/density?level=cell&from=2016-5-1&to=2016-05-21", "from", "ISO day"),
        ("/density?level=cell&from=20160501&to=2016-05-21", "from", "ISO day"),
        ("/density?level=cell&from=1462060800&to=2016-05-21", "from", "ISO day"),
        ("/density?level=cell&from=2016-05-01T00:00:00&to=2016-05-21", "from", "ISO day"),
        ("/density?level=cell&from=2016-05-01&to=2016-02-30", "to", "ISO day"),
        ("/density?level=cell&from=٢٠١٦-٠٥-٠١&to=2016-05-21", "from", "ISO day"),
        ("/density?level=cell&from=2016-05-01&to=2016-05-01", "to", "exclusive"),
        (f"/density?level=community&{WINDOW}", "level", "district, street, cell"),
        (f"/density?level=cell&level=street&{WINDOW}", "level", "twice"),
        (f"/density?level=cell&{WINDOW}&category=9999", "category", "/categories"),
        (f"/density?level=cell&{WINDOW}&category=0102", "category", "event:0102"),
        (f"/density?level=cell&{WINDOW}&category=chaos:noise", "category", "chaos"),
        (f"/density?level=cell&{WINDOW}&source=nobody", "source", "patrol"),
        (f"/density?level=cell&{WINDOW}&bbox=1,2,3", "bbox", "west,south,east,north"),
        (f"/density?level=cell&{WINDOW}&bbox=1,2,3,x", "bbox", "west,south,east,north"),
        (f"/density?level=cell&{WINDOW}&bbox=1,2,nan,4", "bbox", "west,south,east,north"),
        (f"/density?level=cell&{WINDOW}&bbox=3,2,1,4", "bbox", "west <= east"),
        (f"/density?level=cell&{WINDOW}&f=xml", "f", "json"),
        (f"/density?level=cell&{WINDOW}&without_shared=perhaps", "without_shared", "boolean"),
        (f"/density?levle=cell&{WINDOW}", "levle", "did you mean level?"),
        (f"/density?level=cell&{WINDOW}&%00=1", "\0", "no such parameter"),
        (f"/density?level=cell&{WINDOW}&category=%00", "category", "null character"),
        ("/staffing?on=yesterday", "on", "ISO day"),
        (f"/roads/density?level=cell&{WINDOW}", "level", "no such parameter"),
        ("/reconciliation?from=x", "from", "ISO day"),
        ("/reports", "from", "missing"),
        (f"/reports?{WINDOW}&limit=0", "limit", "greater than or equal to 1"),
        (f"/reports?{WINDOW}&limit=many", "limit", "integer"),
        (f"/reports?{WINDOW}&after=%F0%9F%98%80", "after", "next"),
        (f"/reports?{WINDOW}&after=W10", "after", "next"),
        (f"/reports?{WINDOW}&cell=990101001999", "cell", "no cell"),
        ("/imports?before=99999999999999999999", "before", "less than"),
        ("/imports/abc", "import_id", "integer"),
        (f"/maps/heatmap?{WINDOW}&lang=fr", "lang", "zh"),
        (f"/maps/heatmap?{WINDOW}&category=9999", "category", "/categories"),
        ("/maps/heatmap?from=2016-05-01", "to", "missing"),
        ("/categories?f=csv", "f", "no such parameter"),
        ("/healthz?x=1", "x", "no such parameter"),
    ],
)
def test_bad_parameters_are_named(client: TestClient, path: str, parameter: str, taught: str) -> None:
    found = check_problem(client.get(path), 400)
    assert found["parameter"] == parameter
    assert taught in found["detail"]


@pytest.mark.parametrize(
    ("path", "taught"),
    [
        ("/densty", "did you mean /density?"),
        ("/density/", "did you mean /density?"),
        ("/nothing/like/it", "/docs"),
        ("/imports/999", "GET /imports"),
        ("/imports/99999999999999999999999", "GET /imports"),
        ("/imports/-1", "GET /imports"),
        ("/imports/999/rejects", "GET /imports"),
        ("/reports/patrol/none", "no report"),
        ("/reports/patrol/%00", "null character"),
        ("/static/docs/none.js", "there is no"),
        ("/static/docs/%00", ""),
        ("/static/docs/../../app.py", ""),
        ("/static/docs/%2e%2e/%2e%2e/app.py", ""),
        ("/static/maps/static/..%2f..%2fheatmap.py", ""),
    ],
)
def test_unknown_things_are_404(client: TestClient, path: str, taught: str) -> None:
    assert taught in check_problem(client.get(path), 404)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/density", "GET, HEAD"),
        ("DELETE", "/reports", "GET, HEAD, POST"),
        ("PATCH", "/imports/1", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/grid/locate", "GET, HEAD, POST"),
    ],
)
def test_405_says_what_is_allowed(client: TestClient, method: str, path: str, allowed: str) -> None:
    answer = client.request(method, path)
    check_problem(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/openapi.json",
        f"/density?level=cell&{WINDOW}",
        f"/density?level=cell&{WINDOW}&f=geojson",
        "/staffing",
        "/categories",
        "/static/docs/swagger-ui.css",
        f"/maps/heatmap?{WINDOW}",
        "/nope",
    ],
)
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.content == b""
    assert head.status_code == got.status_code
    assert head.headers["content-type"] == got.headers["content-type"]


def test_a_city_not_yet_described(template_url: str, make_database: Callable[..., str]) -> None:
    engine = create_database_engine(make_database(template_url), pool_size=CONNECTIONS)
    with TestClient(create_app(engine), raise_server_exceptions=False) as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/readyz", f"/density?level=cell&{WINDOW}", "/staffing", "/areas", "/grid/locate?lon=1&lat=1"):
            assert "city.toml" in check_problem(client.get(path), 409)["detail"]
    engine.dispose()


def test_an_old_schema_is_not_ready(own_engine: Engine, own_client: TestClient) -> None:
    assert own_client.get("/readyz").json()["city"] == "tiny"
    with own_engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = 'old'"))
    assert "finegrid db migrate" in check_problem(own_client.get("/readyz"), 503)["detail"]


def test_an_unreachable_database_is_503() -> None:
    engine = create_database_engine(
        "postgresql+psycopg2://nobody@127.0.0.1:1/nothing?connect_timeout=2", pool_size=CONNECTIONS
    )
    with TestClient(create_app(engine), raise_server_exceptions=False) as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/readyz", "/staffing", f"/density?level=cell&{WINDOW}", "/grid/locate?lon=1&lat=1"):
            answer = client.get(path)
            check_problem(answer, 503)
            assert answer.headers["retry-after"]


def test_a_database_that_goes_away_in_the_middle(own_engine: Engine, own_client: TestClient) -> None:
    assert own_client.get("/staffing").status_code == 200
    with own_engine.connect() as conn:
        conn.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
        )
    assert own_client.get("/staffing").status_code == 200, "the pool notices and connects again"


def test_a_fault_of_ours_tells_nothing_of_our_insides(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("api.staffing.staffing", broken)
    found = check_problem(client.get("/staffing"), 500)
    assert "secret" not in str(found)


def test_the_datum_of_many_points_stands_where_it_is_read(client: TestClient) -> None:
    points = {"points": [[113.6005, 34.7035]]}
    refused = client.post("/grid/locate", json=points, params={"datum": "gcj02"})
    assert refused.status_code == 400
    assert refused.json()["parameter"] == "datum"
    assert "belongs in the body" in refused.json()["detail"]
    csv = {"content": "lon,lat\n113.6005,34.7035\n", "headers": {"Content-Type": "text/csv"}}
    assert client.post("/grid/locate", params={"datum": "gcj02"}, **csv).status_code == 200
    assert client.post("/grid/locate", params={"datun": "gcj02"}, **csv).json()["parameter"] == "datun"
