"""Asking for bulletins."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import openpyxl
from fastapi.testclient import TestClient

NOW = datetime(2016, 7, 1, tzinfo=UTC)
PUBLISHED, DRAFT = "2016-05-T2", "2016-05-T3"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def bulletin_of(client: TestClient, period: str, **asked: object) -> dict:
    answer = client.get(f"/bulletins/{period}", params={"f": "json", **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def page_of(client: TestClient, period: str, lang: str = "zh", **asked: object) -> str:
    answer = client.get(f"/bulletins/{period}", params={"f": "html", "lang": lang, **asked})
    assert answer.status_code == 200, answer.text
    return answer.text


def book_of(client: TestClient, period: str, lang: str) -> openpyxl.Workbook:
    answer = client.get(f"/bulletins/{period}", params={"f": "xlsx", "lang": lang})
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content))
