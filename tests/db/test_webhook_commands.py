"""`finegrid webhooks` as an operator uses it."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner, Result
from sqlalchemy import Engine

from gis.cli.root import main
from tests.conftest import json_of
from tests.receiving import Receiver, is_signed_by
from tests.telling import history, told_, town_  # noqa: F401 - fixtures

HOSTS = {"WEBHOOK_HOSTS": "127.0.0.1"}


def test_from_adding_to_removing(town: Engine, told: Receiver, finegrid: Callable[..., Result]) -> None:
    added = finegrid("webhooks", "add", told.url, "--move", "verify", "--move", "open", **HOSTS)
    assert added.exit_code == 0, added.output
    lines = added.stdout.splitlines()
    assert lines[0] == f"webhook 1 tells {told.url}"
    secret = lines[1]
    assert lines[2] == "The secret is not shown again."
    pinged = finegrid("webhooks", "test", "1", **HOSTS)
    assert pinged.exit_code == 0
    assert "taken (204)" in pinged.stdout
    case_id = history(town, 0)
    assert json_of(finegrid("webhooks", "list", "--json", **HOSTS))["rows"][0]["pending"] == 2
    assert json_of(finegrid("webhooks", "deliver", "--once", "--json", **HOSTS)) == {
        "delivered": 2, "refused": 0, "away": 0, "gone": 0, "given_up": 0,
    }  # fmt: skip
    assert finegrid("webhooks", "deliver", "--once", **HOSTS).stdout == "nothing was due\n"
    assert told.requests[0].data == {"webhook": 1}
    assert [one.data["number"] for one in told.requests[1:]] == [1, 2]
    assert all(is_signed_by(secret, one) for one in told.requests)
    listed = finegrid("webhooks", "list", **HOSTS).stdout
    assert told.url in listed
    assert "open,verify" in listed
    shown = finegrid("webhooks", "deliveries", "1", **HOSTS).stdout.splitlines()
    assert len(shown) == 3
    assert "delivered" in shown[1]
    number = json_of(finegrid("webhooks", "deliveries", "1", "--json", **HOSTS))["rows"][0]["id"]
    one = json_of(finegrid("webhooks", "deliveries", "1", str(number), "--json", **HOSTS))
    assert one["body"].encode() == told.requests[2].body
    assert f'"case" : {case_id}' in finegrid("webhooks", "deliveries", "1", str(number), **HOSTS).stdout
    for answer in (listed, *shown, finegrid("webhooks", "list", "--json", **HOSTS).stdout):
        assert secret not in answer
    assert finegrid("webhooks", "remove", "1", **HOSTS).stdout == "webhook 1 is removed\n"
    assert finegrid("webhooks", "list", **HOSTS).stdout == "no webhook yet\n"
    refused = finegrid("webhooks", "remove", "1", **HOSTS)
    assert (refused.exit_code, refused.stderr) == (1, "finegrid: there is no webhook 1\n")


def test_what_was_given_up_is_told_again(town: Engine, told: Receiver, finegrid: Callable[..., Result]) -> None:
    once = {**HOSTS, "WEBHOOK_ATTEMPTS": "1"}
    finegrid("webhooks", "add", told.url, "--state", "verified", **HOSTS)
    history(town, 0)
    told.decide = lambda _: 400
    assert finegrid("webhooks", "deliver", "--once", **once).stdout == "1 refused, 1 given up\n"
    failed = finegrid("webhooks", "deliveries", "1", "--failed", **HOSTS).stdout
    assert "answered 400" in failed
    told.decide = lambda _: 204
    assert finegrid("webhooks", "retry", "1", **HOSTS).stdout == "events of 1 cases are told again\n"
    assert finegrid("webhooks", "deliver", "--once", **once).stdout == "1 delivered\n"
    assert finegrid("webhooks", "deliveries", "1", "--failed", **HOSTS).stdout == "nothing\n"
    told.decide = lambda _: 500
    pinged = finegrid("webhooks", "test", "1", **HOSTS)
    assert pinged.exit_code == 1
    assert "not taken: answered 500" in pinged.stdout


def test_secrets_of_ones_own(town: Engine, told: Receiver, finegrid: Callable[..., Result], monkeypatch) -> None:
    own = "whsec_" + "QUJD" * 8
    assert json_of(finegrid("webhooks", "add", told.url, "--secret", own, "--json", **HOSTS))["secret"] == own
    fresh = json_of(finegrid("webhooks", "secret", "1", "--json", **HOSTS))["secret"]
    assert fresh != own
    other = "whsec_" + "WFla" * 8
    read = CliRunner().invoke(main, ["webhooks", "secret", "1", "--secret", "-"], input=other + "\n")
    assert read.exit_code == 0
    assert read.stdout.splitlines()[0] == other
    finegrid("webhooks", "test", "1", **HOSTS)
    assert is_signed_by(other, told.requests[0])
    weak = finegrid("webhooks", "secret", "1", "--secret", "whsec_AAAA", **HOSTS)
    assert weak.exit_code == 1
    assert "base64 of 24 to 64 bytes" in weak.stderr
    assert "AAAA" not in weak.stderr


def test_what_is_wrong_is_refused(town: Engine, finegrid: Callable[..., Result]) -> None:
    here = finegrid("webhooks", "add", "http://127.0.0.1:9000/")
    assert here.exit_code == 1
    assert "FINEGRID_WEBHOOK_HOSTS=127.0.0.1 would allow it" in here.stderr
    assert finegrid("webhooks", "add", "http://10.0.0.1/", "--move", "vanish").exit_code == 2
    street = finegrid("webhooks", "add", "http://10.0.0.1/", "--street", "9")
    assert (street.exit_code, "there is no area '9'" in street.stderr) == (1, True)
    for command in ("test", "resume", "secret", "retry", "deliveries", "remove"):
        missing = finegrid("webhooks", command, "7")
        assert (missing.exit_code, missing.stderr) == (1, "finegrid: there is no webhook 7\n"), command
    finegrid("webhooks", "add", "http://10.0.0.1/")
    missing = finegrid("webhooks", "deliveries", "1", "99")
    assert "webhook 1 has no delivery 99" in missing.stderr
