# `make` lists the targets. CI calls these and nothing else.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/pytest -q -p no:cacheprovider
WITHOUT_SERVERS := not contract and not pipeline and not crash and not bench and not sweep
BESIDE := not pipeline and not crash and not bench and not sweep

.DEFAULT_GOAL := help
.PHONY: help setup lock fmt check unit contract pipeline simulation mutants crash test soak soak-faults demo up down status bench peers stages capture worlds docs clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install packtrace and its locked dependencies into .venv

$(STAMP): deploy/requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "packtrace needs Python 3.11 or later, found $$($(PYTHON) --version)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies into $(VENV) (about half a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

lock: setup ## pin the dependencies again (after a change in pyproject.toml)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o deploy/requirements.txt
	@printf 'hatchling\neditables\n' > $(VENV)/build.in
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml $(VENV)/build.in -c deploy/requirements.txt -o deploy/requirements-dev.txt

fmt: setup ## format and sort imports
	@$(BIN)/ruff format services tests
	@$(BIN)/ruff check --fix services tests

check: setup ## style, types, imports, contracts; about a minute
	@$(BIN)/ruff format --check services tests
	@$(BIN)/ruff check services tests
	@$(BIN)/lint-imports
	@$(BIN)/mypy services tests

unit: setup ## tests without a server; a few minutes
	@$(PYTEST) -m "$(WITHOUT_SERVERS)"

contract: setup ## every port's suite, on its fake and on the real server
	@$(PYTEST) -m contract

pipeline: setup ## the whole system on real servers
	@$(PYTEST) -m pipeline

simulation: setup ## 5,000 short histories with every fault, in memory; a few minutes
	@HISTORIES=$(or $(HISTORIES),5000) $(PYTEST) tests/simulation

mutants: setup ## each mechanism of exactly-once taken out, and the simulation finds what goes wrong; five minutes
	@$(PYTEST) tests/simulation/test_mutants.py --durations=10

crash: setup ## processes killed between any two effects, on real servers, and what else can fail; about half an hour
	@$(PYTEST) -m crash --durations=10

test: check ## everything, unit to pipeline: the whole system and its crashes, and beside them, on the second core, the rest
	@PACKTRACE_WORLDS=10000 $(PYTEST) -m "$(BESIDE)" --durations=10 > $(VENV)/unit.out 2>&1 & unit=$$!; \
	trap 'kill $$unit 2>/dev/null' INT TERM; \
	$(PYTEST) -m "(pipeline or crash) and not sweep" --durations=15; servers=$$?; \
	wait $$unit; unit=$$?; cat $(VENV)/unit.out; exit $$((servers || unit))

soak: setup ## 100,000 small worlds through both implementations of the domain, seeds from WORLDS_FROM; 5,000 examples per property
	@PACKTRACE_EXAMPLES=5000 $(PYTEST) tests/domain/test_properties.py
	@PACKTRACE_WORLDS=100000 PACKTRACE_WORLDS_FROM=$${WORLDS_FROM:-1000000} $(PYTEST) tests/domain/test_two_implementations.py

soak-faults: setup ## a fault every 20-40 s for MINUTES (20) at RATE (2,000) ops a second, seed SEED; then everything is proved
	@$(BIN)/python -m tests.crash.soak --minutes $(or $(MINUTES),20) --rate $(or $(RATE),2000) --seed $(or $(SEED),1)

demo: setup ## two lines, a burst, every planted fault found; then it cleans up
	@$(BIN)/packtrace demo

up: setup ## the whole system on this machine, in the background
	@$(BIN)/packtrace up --detach

down: setup ## stop it; data stays under .packtrace
	@$(BIN)/packtrace down

status: setup ## what runs, where, since when
	@$(BIN)/packtrace status

bench: setup ## measure end to end on fresh systems, every run verified: BENCH="--streams S1 --runs 5 --output bench.json"
	@$(BIN)/packtrace bench $(BENCH)

peers: setup ## packtrace beside a Faust application, a bare loop and the physical floor, in one run: PEERS="--units 40000 --runs 3"
	@$(BIN)/python -m tests.bench.peers $(PEERS)

stages: setup ## CPU by stage in one process, without a server; asserts correctness only
	@$(PYTEST) -m bench -s

capture: setup ## EPCIS over HTTP, JSON and XML: EPC a core-second and peak memory: CAPTURE="--runs 3 --json capture.json"
	@$(BIN)/python -m tests.bench.capture $(CAPTURE)

worlds: setup ## labelled worlds, 5 seeds of 20,000 units in 3 orders: recall, false alarms, equal ends; about a quarter of an hour
	@$(BIN)/python -m tests.bench.worlds --seeds 1-5 --units 20000

docs: setup ## draw the documents that come from the tables again
	@$(BIN)/python -m tests.house.documents

clean: ## remove the virtual environment and caches (never data)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
