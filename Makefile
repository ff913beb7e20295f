# Everything a fresh clone needs: each target does its own set-up, a second run does none of it.
# Wanted beforehand: Python 3.11 or newer with pip, and make.

PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
export PYTHON

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
CONNECTORS := $(notdir $(patsubst %/,%,$(dir $(wildcard connectors/*/quirks.md))))
PACKAGES := catchment config connectors framework state warehouse_loader

# A stamp stands for an environment that holds what its requirement file says.
BASE := $(VENV)/.stamp-base
CORE := $(VENV)/.stamp-core
DEV := $(VENV)/.stamp-dev
VENV_BENCH := .venv-bench
BENCH := $(VENV_BENCH)/.stamp-bench

# DuckDB 1.x has an environment of its own; narrow the tests with DUCKDB_1_TESTS="tests/test_a.py tests/test_b.py".
VENV_DUCKDB_1 := .venv-duckdb-1
DUCKDB_1 := $(VENV_DUCKDB_1)/.stamp-dev
DUCKDB_1_TESTS ?= tests

# Recorded vendor answers; they are not part of the repository.
CATCHMENT_FIXTURES ?= ../shared/fixtures

CHECKS = $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy $(addprefix -p ,$(PACKAGES))

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help setup setup-core demo test check format test-duckdb-1 docs fixtures bench sabotage soak lock clean distclean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(CORE) ## sync an invented business's three apps into DuckDB and check every cell
	@$(BIN)/catchment demo

test: $(DEV) ## the checks, then all tests
	@status=0; { $(CHECKS); } || status=1; $(PY) -m pytest -q -n 2 --dist worksteal || status=1; exit $$status

check: $(DEV) ## lint, format, types, import directions
	@$(CHECKS)
	@$(PY) -m pytest -q tests/test_architecture.py

format: $(DEV) ## rewrite the code as `check` wants it
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

test-duckdb-1: $(DUCKDB_1) ## the tests once more, on DuckDB 1.x
	@$(VENV_DUCKDB_1)/bin/python -c 'import duckdb; print("DuckDB", duckdb.__version__)'
	@$(VENV_DUCKDB_1)/bin/python -m pytest -q -n 2 $(DUCKDB_1_TESTS)

docs: $(CORE) ## write the pages that are generated from declarations
	@for c in $(CONNECTORS); do $(PY) -m catchment.reference $$c > docs/connectors/$$c.md || exit; done

fixtures: $(DEV) ## load recorded vendor answers, where the machine has them
	@if [ -d "$(CATCHMENT_FIXTURES)" ]; then \
		CATCHMENT_FIXTURES="$(CATCHMENT_FIXTURES)" $(PY) -m pytest -q -m fixtures tests/test_fixtures.py; \
	else echo "No recorded vendor answers at $(CATCHMENT_FIXTURES) (set CATCHMENT_FIXTURES): nothing to load."; fi

bench: $(DEV) $(BENCH) ## measure against dlt and a hand-written script, write the table
	@$(PY) -m compileall -q $(PACKAGES)
	@$(PY) -m benchmarks

sabotage: $(DEV) ## break one invariant after the other in a copy; the tests must notice each
	@$(PY) -m tests.sabotage

SOAK ?= --seconds 600
soak: $(DEV) ## random courses of life, kills and faults for ten minutes (SOAK="--seconds 3600 --postgresql 18")
	@$(PY) -m tests.soak $(SOAK)

setup: $(DEV) ## only the environment

setup-core: $(CORE) ## only what a user needs

lock: $(BASE) ## renew requirements/*.txt from pyproject.toml (UPGRADE=1 takes newer releases)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --output-file requirements/core.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra dev -c requirements/core.txt \
		--output-file requirements/dev.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra bench -c requirements/dev.txt \
		--output-file requirements/bench.txt
	@echo uv | $(COMPILE) $(if $(UPGRADE),--upgrade) - --output-file requirements/bootstrap.txt
	@printf 'hatchling\neditables\n' | $(COMPILE) $(if $(UPGRADE),--upgrade) - -c requirements/dev.txt \
		--output-file requirements/build.txt
	@echo 'duckdb>=1.5.5,<2' | $(COMPILE) $(if $(UPGRADE),--upgrade) - --output-file requirements/duckdb-1.txt
	@! grep -n '://' requirements/*.txt

clean: ## remove caches and builds
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find $(PACKAGES) tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## remove the environments as well
	@rm -rf $(VENV) $(VENV_DUCKDB_1) $(VENV_BENCH)

# ------------------------------------------------------------------------------------ environments

# Without pip inside: the pip outside installs uv, and that takes a second instead of four.
define new_venv
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(1)/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv --without-pip --clear $(1)
endef

# Once here instead of at the first start, or at every start where Python may not write beside what it imports: half a
# start's processor time. What a library ships for another Python does not compile, and nobody imports it.
define compiled
	@$(1)/bin/python -m compileall -q -j 0 $(1)/lib $(2) >/dev/null || true
endef

$(BASE): requirements/bootstrap.txt requirements/build.txt
	$(call new_venv,$(VENV))
	@requirements/install.sh $(VENV) requirements/build.txt
	@touch $@

$(CORE): requirements/core.txt pyproject.toml | $(BASE)
	@echo "Setting up $(VENV) ..."
	@requirements/install.sh $(VENV) requirements/core.txt
	@requirements/install.sh $(VENV) --project
	$(call compiled,$(VENV),$(PACKAGES))
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml | $(BASE)
	@echo "Setting up $(VENV) with the tools for development ..."
	@requirements/install.sh $(VENV) requirements/dev.txt
	@requirements/install.sh $(VENV) --project
	$(call compiled,$(VENV),$(PACKAGES))
	@touch $@ $(CORE)

# The peers have an environment of their own, so that theirs and ours never meet.
$(BENCH): requirements/bench.txt
	$(call new_venv,$(VENV_BENCH))
	@requirements/install.sh $(VENV_BENCH) requirements/bench.txt
	$(call compiled,$(VENV_BENCH))
	@touch $@

$(DUCKDB_1): requirements/dev.txt requirements/build.txt requirements/duckdb-1.txt pyproject.toml
	$(call new_venv,$(VENV_DUCKDB_1))
	@requirements/install.sh $(VENV_DUCKDB_1) requirements/build.txt requirements/dev.txt
	@requirements/install.sh $(VENV_DUCKDB_1) requirements/duckdb-1.txt
	@requirements/install.sh $(VENV_DUCKDB_1) --project
	$(call compiled,$(VENV_DUCKDB_1))
	@touch $@
