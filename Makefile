# finegrid: the developer interface. `make help` lists the targets.
CITY ?= zhengzhou
PORT ?= 8000
EXAMPLES ?= 200
WORKERS ?= $(shell nproc)

.PHONY: help setup setup-test demo test fuzz effect-coverage check format bench

help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup:           ## install what is missing: PostgreSQL + PostGIS, .venv
	@scripts/setup

setup-test:      ## the same and what the tests need: Chromium, test tools
	@scripts/setup --test

demo: setup      ## load the sample city and serve it; CITY=zhengzhou|boston PORT=8000
	@.venv/bin/python -m fixtures.demo --city $(CITY) --port $(PORT)

test: setup-test ## the whole test suite against a real PostGIS; ARGS="-k locate" for a part, WORKERS=0 for one process
	@.venv/bin/python -m pytest -n $(WORKERS) $(ARGS)

fuzz: setup-test ## thousands of requests made up from the API definition; EXAMPLES=200 per operation and kind
	@FUZZ=1 FUZZ_EXAMPLES=$(EXAMPLES) .venv/bin/python -m pytest tests/clients/test_schemathesis.py $(ARGS)

effect-coverage: setup-test ## two thousand simulated measures of each kind: how often the intervals hold the truth
	@FINEGRID_TEST_EFFECTS=2000 .venv/bin/python -m pytest -q tests/unit/test_effect_coverage.py $(ARGS)

check: setup-test ## format, lint, types, import contract
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: setup-test ## format the code and mend what can be mended
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: setup-test ## re-measure every claim about speed; writes bench/RESULTS.md
	@.venv/bin/python -m bench
