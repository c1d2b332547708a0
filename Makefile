# Every target makes its own .venv from the lock file; a bare machine needs only Python 3.11 or 3.12.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test chaos fuzz lint bench docs lock clean

# The first interpreter that really starts and has a version that Bytewax has wheels for.
PYTHON := $(shell for p in python3.12 python3.11 python3 python; do \
  command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1 \
  && { command -v $$p; break; }; done)
BIN := .venv/bin

help:  ## List the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

.venv/installed: requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "make: Python 3.11 or 3.12 is needed and was not found (found: $$(python3 --version 2>&1)); install one of them and run make again" >&2; exit 2; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: .venv/installed  ## Start everything on this machine, with embedded servers and the sample stream.
	@exec $(BIN)/fenghuo demo

test: .venv/installed  ## Run the whole test suite against real embedded servers.
	@$(BIN)/python -m pytest -n 2

chaos: .venv/installed  ## Kill the pipeline and its Redis a few hundred times; FENGHUO_CHAOS_SEED repeats a run.
	@FENGHUO_TEST_PROFILE=chaos $(BIN)/python -m pytest tests/chaos/test_publish.py
	@FENGHUO_TEST_PROFILE=chaos $(BIN)/python -m pytest -n 2 --ignore tests/chaos/test_publish.py tests/chaos

fuzz: .venv/installed  ## Try a million random and hostile conditions against DuckDB; FENGHUO_FUZZ_SEED repeats a run.
	@seed=$${FENGHUO_FUZZ_SEED:-$$RANDOM}; echo "FENGHUO_FUZZ_SEED=$$seed"; \
	  FENGHUO_FUZZ_SEED=$$seed FENGHUO_TEST_PROFILE=fuzz $(BIN)/python -m pytest -n 2 -q tests/rules/language/test_fuzz.py

lint: .venv/installed  ## Check style, types, the direction of imports and the declared dependencies.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry .

bench: .venv/installed  ## Measure beside the naive version; docs/benchmarks.md tells how.
	@$(BIN)/fenghuo bench

docs: .venv/installed  ## Write the generated part of docs/.
	@$(BIN)/fenghuo docs

lock: pyproject.toml  ## Resolve exact versions (needs uv).
	@uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --group dev --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate --quiet --output-file requirements.lock

clean:  ## Remove the environment and local data.
	@rm -rf .venv var
