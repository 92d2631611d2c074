# Needs only make and Python >= 3.11. Everything else is put into .venv from hash-locked requirements.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PREPARE = test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; install it, or run: make PYTHON=/path/to/python"; exit 1; }; \
	$(PYTHON) -m ops.setup.environment

.DEFAULT_GOAL := help
.PHONY: help setup run test check eval bench bench-stack compare-quality checkpoint-drill e2e components dashboards rules rules-full alert-quality pictures screenshots stack up dev down logs compose-check pins lock clean

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/run: requirements.txt
	@$(PREPARE)

.venv/dev: requirements-dev.txt
	@$(PREPARE) --dev

setup: .venv/run ## Prepare .venv with the service's packages and the emini-rag command
	@echo "Ready: $(BIN)/emini-rag --help"

run: .venv/run ## Start the service on http://127.0.0.1:8001 with the sample documents
	@exec $(BIN)/python -m ops.rollout.launch

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

checkpoint-drill: .venv/dev ## Checkpoints and restores of a real service until they are believed (half an hour)
	@$(BIN)/python -m tests.bench.checkpoint $(DRILL)

compare-quality: .venv/dev ## How often `emini-rag compare` is right, to docs/evaluation/ (half an hour)
	@$(BIN)/python -m tests.bench.compare_quality --write $(QUALITY)

bench-stack: .venv/dev ## Memory of the whole installation under load
	@$(BIN)/python -m tests.bench.stack

components: .venv/run ## Find, or build from source, Collector, Prometheus, Alertmanager and Ollama
	@$(BIN)/python -m ops.components $(COMPONENTS)

dashboards: .venv/dev ## Write dashboards/json from the code; docs/dashboards.md shows them
	@$(BIN)/python -m dashboards

rules: .venv/dev ## Write prometheus/rules from the code and prometheus/thresholds*.toml
	@$(BIN)/python -m prometheus

rules-full: .venv/dev ## Weeks of simulated answers through the real rules, baselines included (RULES="part of a name"; minutes)
	@$(BIN)/python -m tests.rules.full $(RULES)

alert-quality: .venv/dev ## How often the alert on slow models is wrong, how soon it is right: docs/alert-quality.md (a quarter of an hour)
	@$(BIN)/python -m tests.rules.simulation $(QUALITY)

pictures: .venv/dev ## Draw the pictures of docs/dashboards.md from a real installation
	@$(BIN)/python -m tests.e2e.dashboard_pictures

screenshots: .venv/dev ## Take the README's pictures of the page (needs a Chromium)
	@$(BIN)/python -m tests.e2e.console.screenshots

stack: .venv/run ## The whole installation without Docker, from the binaries found (see: make components)
	@exec $(BIN)/python -m ops.stack $(STACK)

up: .venv/run ## Production in Docker, with the GPU where there is one
	@$(BIN)/python -m ops.compose up $(COMPOSE)

dev: .venv/run ## Development in Docker, beside production
	@$(BIN)/python -m ops.compose dev $(COMPOSE)

down: .venv/run ## End both in Docker; volumes stay
	@$(BIN)/python -m ops.compose down $(COMPOSE)

logs: .venv/run ## Follow what the containers say
	@exec $(BIN)/python -m ops.compose logs $(COMPOSE)

compose-check: .venv/run ## Whether the Compose files are valid, hardened and apart from each other
	@$(BIN)/python -m ops.compose check

pins: .venv/run ## Write the digest of every image version in .env (PINS="NAME_IMAGE=image:version" for another one)
	@$(BIN)/python -m ops.compose pins $(PINS)

lock: ## Upgrade the locked requirements to the newest versions that go together
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found"; exit 1; }
	@$(PYTHON) -m ops.setup.lock

clean: ## Remove what can be made again quickly (not .components, not data)
	@rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
