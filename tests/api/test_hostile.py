"""Nothing that a client sends makes the server fail: every answer below 500, every refusal a problem document."""

from __future__ import annotations

from urllib.parse import quote_from_bytes

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import KEY

ROUTES = {
    "/density": ("level", "from", "to", "category", "source", "bbox", "without_shared", "operation", "f"),
    "/roads/density": ("from", "to", "category", "source", "bbox", "without_shared", "operation", "f"),
    "/staffing": ("level", "on", "f"),
    "/reconciliation": ("from", "to"),
    "/areas": ("level", "f"),
    "/imports": ("before", "limit"),
    "/reports": ("from", "to", "cell", "category", "source", "bbox", "limit", "after", "operation"),
    "/maps/heatmap": ("from", "to", "category", "source", "bbox", "lang", "without_shared", "operation"),
    "/grid/locate": ("lon", "lat", "datum"),
    "/duty": ("level", "street", "at", "f"),
    "/duty/vacancies": ("level", "street", "from", "to", "f"),
    "/duty/handovers": ("level", "street", "from", "to", "f"),
    "/duty/persons": ("street", "at", "more_than", "f"),
}
GOOD = {"level": "cell", "from": "2016-05-01", "to": "2016-05-03", "lon": "113.6005", "lat": "34.7035"}
NASTY = (
    *("", " ", "\0", "'", '"; DROP TABLE reports; --', "%", "../../etc/passwd", b"\xed\xa0\x80", b"\xff\xfe"),
    *("NaN", "inf", "-inf", "1e400", "-1", "0", "9" * 400, "9223372036854775808", "-9223372036854775809"),
    *("true", "null", "[]", "{}", "0001-01-01", "9999-12-31", "2016-02-30", "２０１６-05-01", "2016-05-01"),
    *("1,2,3,4", "-180,-90,180,90", "1,1,1,1", "1e308,1,1,1", "chaos:any", "kind:patrol", "event:0501", "event:"),
    *(":", "990101001001", "WyJwYXRyb2wiLCIiXQ", "WyJhIiwiXHUwMDAwIl0", "郑州", "💥" * 50),
)
FEW = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
raw_text = st.one_of(
    st.sampled_from(NASTY).map(lambda one: one if isinstance(one, bytes) else one.encode()),
    st.text(max_size=40).map(lambda one: one.encode("utf-8", "surrogatepass")),
    st.binary(max_size=20),
    st.integers().map(lambda one: str(one).encode()),
    st.floats().map(lambda one: str(one).encode()),
    st.dates().map(lambda one: one.isoformat().encode()),
)


def check(answer: object) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@st.composite
def queries(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from(sorted(ROUTES)))
    names = ROUTES[path]
    # Good values for most, something nasty for one or two, so that it gets as far as the database.
    pairs = [(name, GOOD[name].encode()) for name in names if name in GOOD]
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(names))
        pairs = [pair for pair in pairs if pair[0] != name]
        pairs.append((name, draw(raw_text)))
    return path + "?" + "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in pairs)


@FEW
@given(target=queries())
def test_any_query(client: TestClient, target: str) -> None:
    check(client.get(target))


@pytest.mark.parametrize("name", ["level", "from", "to", "category", "source", "bbox", "f"])
@pytest.mark.parametrize("value", NASTY)
def test_nasty_values_of_density(client: TestClient, name: str, value: str | bytes) -> None:
    raw = value if isinstance(value, bytes) else value.encode()
    rest = "&".join(f"{key}={one}" for key, one in GOOD.items() if key in ("level", "from", "to") and key != name)
    check(client.get(f"/density?{rest}&{name}={quote_from_bytes(raw, safe='')}"))


@FEW
@given(parts=st.lists(raw_text, min_size=1, max_size=4), query=st.binary(max_size=20))
def test_any_path(client: TestClient, parts: list[bytes], query: bytes) -> None:
    for start in ("/x", "/reports", "/imports", "/static/docs", "/static/maps/static"):
        path = start + "/" + "/".join(quote_from_bytes(part, safe="") for part in parts)
        check(client.get(f"{path}?{quote_from_bytes(query, safe='&=')}"))


plain_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([one for one in NASTY if isinstance(one, str)])
)
json_values = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
GOOD_REPORT = {
    "source": "patrol",
    "source_ref": "H1",
    "lon": 113.6005,
    "lat": 34.7035,
    "datum": "wgs84",
    "reported_at": "2016-05-03",
    "category": "0505",
}


@FEW
@given(data=st.data())
def test_any_report(own_client_of_the_module: TestClient, data: st.DataObject) -> None:
    body = dict(GOOD_REPORT)
    names = [*GOOD_REPORT, "source_kind", "description", "category_kind", "keep_unlocated", "other"]
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        body[name] = data.draw(json_values)
    check(own_client_of_the_module.post("/reports", json=body, headers={"X-API-Key": KEY}))
    assert own_client_of_the_module.get("/reconciliation").json()["adds_up"]


@FEW
@given(content=st.binary(max_size=200))
def test_any_body(own_client_of_the_module: TestClient, content: bytes) -> None:
    for path in ("/reports", "/imports", "/grid/locate"):
        for kind in ("application/json", "multipart/form-data; boundary=x", "text/csv", ""):
            headers = {"X-API-Key": KEY, "Content-Type": kind}
            check(own_client_of_the_module.post(path, content=content, headers=headers))


@FEW
@given(
    rows=st.lists(st.lists(raw_text, min_size=5, max_size=5), max_size=4),
    name=st.text(max_size=10),
    fields=st.dictionaries(
        st.sampled_from(
            ["source", "crs", "map", "encoding", "delimiter", "time_format", "keep_unlocated", "source_kind"]
        ),
        raw_text.map(lambda one: one.decode("utf-8", "replace")),
        max_size=2,
    ),
)
def test_any_file(own_client_of_the_module: TestClient, rows: list[list[bytes]], name: str, fields: dict) -> None:
    content = b"id,lon,lat,time,category\n" + b"\n".join(b",".join(row) for row in rows)
    answer = own_client_of_the_module.post(
        "/imports",
        files={"file": (f"{name}.csv", content)},
        data={"source": "patrol", "crs": "wgs84", **fields},
        headers={"X-API-Key": KEY},
    )
    check(answer)
    if answer.status_code == 201:
        found = answer.json()
        assert found["read"] == found["accepted"] + found["duplicate"] + found["rejected"]
