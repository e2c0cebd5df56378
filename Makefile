# Everything a newcomer types. `make help` lists it.

VENV := .venv
BIN := $(VENV)/bin
# Debian's own python where it is new enough: the system's packages (frr, keepalived) expect nothing else.
PYTHON := $(shell for p in /usr/bin/python3 python3; do \
	$$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
PIP := $(BIN)/pip --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help setup setup-run setup-test run test docs lint bench bench-full soak clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: setup-test ## a virtual environment in .venv, and the Debian packages that run, test and bench need

setup-run: $(VENV)/.run $(BIN)/utmcli
	@.ci/packages run </dev/null

setup-test: $(VENV)/.test $(BIN)/utmcli
	@.ci/packages run test </dev/null
	@.ci/collections $(VENV)/share/ansible </dev/null

$(VENV)/.python:
	@.ci/packages python </dev/null
	@echo "make: building $(VENV) with $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV) </dev/null
	@touch $@

$(VENV)/.run: pyproject.toml | $(VENV)/.python
	@$(PIP) install --editable . </dev/null >&2
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.python
	@$(PIP) install --editable '.[dev]' </dev/null >&2
	@touch $@ $(VENV)/.run

# An editable installation leaves a copy of the script of a wheel, which grows old; this one runs the module.
$(BIN)/utmcli: utmcli/launcher.py $(VENV)/.run
	@$(BIN)/python -I -m utmcli.launcher $@

# A venv that is set up for tests can run as well; without this, the first `make run` would install twice.
ifneq ($(wildcard $(VENV)/.test),)
$(VENV)/.run: | $(VENV)/.test
endif

run: setup-run ## two appliances on this machine, and the master's shell (also: make run < script)
	@$(BIN)/utmcli lab

test: setup-test ## all tests, the linters among them
	@$(BIN)/pytest -n 2 --dist loadgroup

docs: setup-test ## docs/CLI.md and the man page, from the grammar
	@$(BIN)/python -m utmcli.manual > docs/CLI.md
	@$(BIN)/python -m utmcli.manual man > docs/utmcli.1

lint: setup-test ## ruff, mypy, and the layering of the packages
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: setup-test ## figures beside their targets and a peer's, shortened (BENCH="planned cpu": only these)
	@$(BIN)/python bench/suite.py $(BENCH)

bench-full: setup-test ## the same at full length, over an hour
	@$(BIN)/python bench/suite.py --full $(BENCH)

soak: setup-test ## the simulation, for hours (SOAK_SECONDS=3600)
	@SOAK_SECONDS=$${SOAK_SECONDS:-3600} $(BIN)/pytest tests/simulation

clean: ## remove what was built here
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
