# Needs only make and Python >= 3.11. Everything else is put into .venv from hash-locked requirements.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help test check eval clean

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/dev: requirements.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; install it, or run: make PYTHON=/path/to/python"; exit 1; }
	@echo "Preparing .venv with $(PYTHON); the first time takes a minute"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $@

test: .venv/dev ## Every test that needs no component built apart
	@$(BIN)/python -m pytest --ignore=tests/e2e

check: .venv/dev ## Linter, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

eval: .venv/dev ## Quality of routing on the labelled prompts
	@$(BIN)/python -m tests.eval.routing

clean: ## Remove what can be made again
	@rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis
