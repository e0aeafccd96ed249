"""What /conformance declares is what these tests show: nothing more, nothing less."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.conformance import claims
from tests.conformance.abstract_tests import ABSTRACT_TESTS, NOT_CLAIMED
from tests.conformance.asking import got


def test_declared_are_exactly_the_classes_that_are_shown(client: TestClient) -> None:
    declared = got(client, "/conformance")["conformsTo"]
    shown = {claims.uri_of(one) for one in claims.shown_classes()}
    assert set(declared) == shown
    assert len(declared) == len(shown)


@pytest.mark.parametrize("conformance_class", ABSTRACT_TESTS)
def test_every_abstract_test_of_a_declared_class_is_shown(conformance_class: str) -> None:
    shown = claims.shown_classes()[conformance_class]
    assert set(shown) == set(ABSTRACT_TESTS[conformance_class])


def test_every_test_of_this_folder_shows_something() -> None:
    silent = [name for module, name, shown in claims.collected() if not shown and module != "test_declared.py"]
    assert not silent


def test_what_is_not_claimed_is_not_declared(client: TestClient) -> None:
    declared = set(got(client, "/conformance")["conformsTo"])
    assert not {claims.uri_of(one) for one in NOT_CLAIMED} & declared
    assert not set(NOT_CLAIMED) & set(ABSTRACT_TESTS)


def test_the_document_says_the_same() -> None:
    written = claims.DOCUMENT.read_text(encoding="utf-8")
    assert written == claims.renewed(written), "write it anew: python -m tests.conformance.claims"
