# Needs only make and Python >= 3.11. Everything else is put into .venv from hash-locked requirements.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PREPARE = test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; install it, or run: make PYTHON=/path/to/python"; exit 1; }; \
	$(PYTHON) -m ops.setup.environment

.DEFAULT_GOAL := help
.PHONY: help setup run test check eval bench e2e components lock clean

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/run: requirements.txt
	@$(PREPARE)

.venv/dev: requirements-dev.txt
	@$(PREPARE) --dev

setup: .venv/run ## Prepare .venv with the service's packages and the emini-rag command
	@echo "Ready: $(BIN)/emini-rag --help"

run: .venv/run ## Start the service on http://127.0.0.1:8001 with the sample documents
	@exec $(BIN)/python -m service

test: .venv/dev ## Every test but those of `make e2e`
	@$(BIN)/python -m pytest --ignore=tests/e2e

check: .venv/dev ## Linter, format, types, import contracts, architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/architecture

e2e: .venv/dev ## The whole service with the real components (see: make components)
	@$(BIN)/python -m pytest tests/e2e

eval: .venv/dev ## Quality of routing and retrieval on labelled questions, to docs/evaluation/
	@$(BIN)/python -m tests.eval.routing
	@$(BIN)/python -m tests.eval.retrieval

bench: .venv/dev ## Cost of the service's own work, to docs/performance.md
	@$(BIN)/python -m tests.bench

components: .venv/dev ## Find, or build from source, Collector, Prometheus, Alertmanager and Ollama
	@$(BIN)/python -m ops.components $(COMPONENTS)

lock: ## Upgrade the locked requirements to the newest versions that go together
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found"; exit 1; }
	@$(PYTHON) -m ops.setup.lock

clean: ## Remove what can be made again quickly (not .components, not data)
	@rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
