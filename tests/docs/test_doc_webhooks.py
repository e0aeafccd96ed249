"""What docs/webhooks.md says is what is sent, and its check of signatures works."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from gis.rules.cases import MOVES
from gis.settings import Settings
from gis.store.schema_cases import STATES
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.signing import key_of, new_secret, signed_headers

TEXT = (Path(__file__).parent.parent.parent / "docs" / "webhooks.md").read_text(encoding="utf-8")


def code(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return found


def test_the_check_of_signatures() -> None:
    names: dict = {}
    source = code("python")
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
    exec(source, names)
    is_genuine = names["is_genuine"]
    secret, old, body = new_secret(), new_secret(), '{"a": "停车"}'.encode()
    keys = [key_of(secret), key_of(old)]
    headers = signed_headers(keys, "msg_1", datetime.now(UTC), body)
    assert is_genuine(secret, headers, body)
    assert is_genuine(old, headers, body)
    assert not is_genuine(new_secret(), headers, body)
    assert not is_genuine(secret, headers, body + b" ")
    assert not is_genuine(secret, headers | {"webhook-id": "msg_2"}, body)
    assert not is_genuine(secret, headers | {"webhook-timestamp": str(int(time.time()) + 1)}, body)
    late = signed_headers(keys, "msg_1", datetime.now(UTC) - timedelta(minutes=6), body)
    assert not is_genuine(secret, late, body)


def test_the_message_shown_has_the_fields_of_the_statement() -> None:
    shown = json.loads(code("json"))
    statement = files("gis.sql").joinpath("webhook_announce.sql").read_text(encoding="utf-8")
    built = statement[statement.index("json_build_object") : statement.index("AS text) AS body")]
    names = re.findall(r"'(\w+)', (?:\w+\.|json|ST_|CASE|:|'case|\(SELECT)", built)
    assert [*shown, *shown["data"]] == names
    assert shown["data"]["move"] in MOVES
    assert shown["data"]["state"] in STATES
    table = TEXT[TEXT.index("| field | meaning |") : TEXT.index("Fields may be added")]
    listed = [
        name
        for row in table.splitlines()[2:]
        for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    ]
    assert sorted(listed) == sorted({*names} - {"data"})


def test_the_waits_are_those_of_the_plan() -> None:
    plan = RetryPlan(spread=0.0)

    class Middle:
        @staticmethod
        def random() -> float:
            return 0.5

    waits = [round(plan.wait_s(number, Middle)) for number in range(1, 41)]  # type: ignore[arg-type]
    assert waits[:8] == [5, 20, 80, 320, 1280, 5120, 7200, 7200]
    assert "5 s, 20 s, 80 s, 5 min, 21 min, 85 min, then every 2 h" in TEXT
    assert plan.attempts == Settings.model_fields["webhook_attempts"].default == 40
    assert sum(waits[:39]) / 86_400 == pytest.approx(3, abs=0.25)
    pauses = [round(plan.pause_s(number, Middle)) for number in (1, 2, 3, 4, 900)]  # type: ignore[arg-type]
    assert pauses == [5, 20, 80, 300, 300]
