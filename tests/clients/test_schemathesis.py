"""Schemathesis sends what the API definition allows and what it forbids, and holds the answers against the definition.

No answer of 500 and above, no status, media type or header that is not described, no body unlike its schema, 405 for
other methods, and, but for pages of features, nothing accepted that the definition forbids: there a `limit` beyond the
most is clipped, as requirement 21 of OGC API - Features demands. What is refused although it fits the definition does
not count: parameters exclude each other in ways that OpenAPI has no words for.

`make fuzz` sends more, and others each time: FUZZ=1, as many examples per operation as FUZZ_EXAMPLES says.
"""

from __future__ import annotations

import os

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from api.app import create_app
from gis.store.database import create_database_engine
from tests.api.conftest import KEY
from tests.clients.conftest import Served

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200")) if os.environ.get("FUZZ") else 3
NOT_MEANT = {"positive_data_acceptance", "use_after_free", "ensure_resource_availability", "max_response_time"}


# The definition is the same over every city, so no database is needed to name the tests.
schema = schemathesis.openapi.from_dict(
    create_app(create_database_engine("postgresql://nobody@127.0.0.1:1/none")).openapi()
)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="FUZZ" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_those_that_are_described(case: schemathesis.Case, served: Served) -> None:
    left_out = set(NOT_MEANT)
    # An empty parameter of Open311 is the same as none, whatever its type: that specification demands it.
    if case.path.endswith("/items") or case.path.startswith("/open311/"):
        left_out.add("negative_data_rejection")
    case.call_and_validate(
        base_url=served.address,
        headers={"X-API-Key": KEY},
        timeout=60,
        excluded_checks=[check for check in CHECKS.get_all() if check.__name__ in left_out],
    )
