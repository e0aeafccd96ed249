"""/docs, /openapi.json and /metrics: no other server is asked, and what is described is what is there."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from fastapi.testclient import TestClient

VENDORED = Path(__file__).parents[2] / "api/static/docs"
CONTRACT = {
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
    "/grid/locate": {"get", "post"},
    "/density": {"get"},
    "/roads/density": {"get"},
    "/staffing": {"get"},
    "/reconciliation": {"get"},
    "/areas": {"get"},
    "/categories": {"get"},
    "/sources": {"get"},
    "/imports": {"get", "post"},
    "/imports/{import_id}": {"get"},
    "/imports/{import_id}/rejects": {"get"},
    "/reports": {"get", "post"},
    "/reports/{source}/{source_ref}": {"get"},
    "/maps/heatmap": {"get"},
}


def test_every_route_of_the_contract_is_described(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    described = {path: set(methods) for path, methods in document["paths"].items()}
    assert {path: described.get(path) for path in CONTRACT} == CONTRACT
    for path, methods in document["paths"].items():
        own = {"application/json", "text/xml"} if path.startswith("/open311/") else {"application/problem+json"}
        for operation in methods.values():
            assert "422" not in operation["responses"]
            assert operation["responses"]["default"]["content"].keys() == own
            assert operation["summary"]
    asked = {one["name"]: one for one in document["paths"]["/density"]["get"]["parameters"]}
    assert set(asked) == {"level", "from", "to", "category", "source", "bbox", "without_shared", "operation", "f"}
    assert [name for name, one in asked.items() if one["required"]] == [
        "level"
    ]  # a window or an operation, which has one
    assert "ValidationError" not in str(document)


def test_the_page_asks_only_this_server(client: TestClient) -> None:
    page = client.get("/docs").text
    links = re.findall(r"(?:src|href|url)\s*[=:]\s*['\"]([^'\"]+)", page)
    assert set(links) == {
        "/static/docs/swagger-ui-bundle.js",
        "/static/docs/swagger-ui.css",
        "/static/docs/favicon-32x32.png",
        "/openapi.json",
    }
    for link in links:
        assert client.get(link).status_code == 200
    assert "//" not in re.sub(r"<!--.*?-->", "", page)
    assert re.search(r'"validatorUrl": null', page)
    style = (VENDORED / "swagger-ui.css").read_bytes()
    assert all(one.startswith(b"data:") for one in re.findall(rb"url\(['\"]?([^)]{5})", style))
    assert b"@import" not in style


def test_vendored_files_are_those_of_the_table() -> None:
    sums = dict(re.findall(r"^\| (\S+) \| ([0-9a-f]{64}) \|$", (VENDORED / "README.md").read_text(), re.MULTILINE))
    present = {path.name for path in VENDORED.iterdir()} - {"README.md"}
    assert present == set(sums)
    for name, digest in sums.items():
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == digest, name


def test_metrics_count_by_route_and_status(client: TestClient) -> None:
    def count(line: str) -> float:
        found = re.search(rf"^{re.escape(line)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    good = 'finegrid_requests_total{method="GET",route="/imports/{import_id}",status="200"}'
    bad = 'finegrid_requests_total{method="GET",route="/imports/{import_id}",status="404"}'
    nowhere = 'finegrid_requests_total{method="GET",route="(no such route)",status="404"}'
    took = 'finegrid_request_seconds_count{route="/imports/{import_id}"}'
    before = [count(line) for line in (good, bad, nowhere, took)]
    client.get("/imports/1")
    client.get("/imports/999")
    client.get("/a/b/c")
    client.get("/x/y/z")
    assert [count(line) for line in (good, bad, nowhere, took)] == [
        before[0] + 1,
        before[1] + 1,
        before[2] + 2,
        before[3] + 2,
    ]
    assert client.request("BREW", "/healthz").status_code == 405
    assert count('finegrid_requests_total{method="other",route="/healthz",status="405"}') >= 1
    assert client.get("/metrics").headers["content-type"].startswith("text/plain")


def test_the_door_leads_to_the_map(client: TestClient) -> None:
    links = client.get("/").json()["links"]
    assert [one["href"] for one in links if one["rel"] == "related"] == ["http://testserver/maps/heatmap"]
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "/maps/heatmap" in page.text


def test_the_map_opens_with_the_days_of_the_city(client: TestClient) -> None:
    page = client.get("/maps/heatmap", headers={"Accept-Language": "en-GB,zh;q=0.5"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="en">' in page.text
    assert '<html lang="zh-CN">' in client.get("/maps/heatmap", params={"lang": "zh"}).text
    assert '<html lang="zh-CN">' in client.get("/maps/heatmap", headers={"Accept-Language": "de"}).text
    for link in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert client.get(link).status_code == 200, link
