# One command for each thing that a person does here; `make` alone lists them.
PORT ?= 8000
ARGS ?=
ONLY ?=
# Two test workers suit two cores and the memory of two browsers; JOBS=8 on a larger machine.
JOBS ?= 2
# Of `make chaos`: MINUTES is how long its clients take to submit, 40 for 100,000 jobs.
CHAOS_JOBS = $(if $(filter command line environment,$(origin JOBS)),$(JOBS),100000)
SEED ?= 1
STACK ?= servers
MINUTES ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help up sign-in test check bench chaos chaos-runs sabotage celery-suite format lock clean

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up:  ## Start everything on the embedded defaults and print one link to open (PORT=8000)
	@bin/environment base
	@$(BIN)/python bin/up --port $(PORT)

sign-in:  ## Print a new link to sign in with (PORT=8000)
	@bin/environment base
	@$(BIN)/python manage.py sign_in_link --port $(PORT)

test:  ## Run the whole suite, with the servers it needs (ARGS="-k name", JOBS=2)
	@bin/environment test
	@bin/install-servers
	@$(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

check:  ## Format, lint, types, imports, migrations
	@bin/environment test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@mkdir -p build && DATA_DIR=build DJANGO_SETTINGS_MODULE=config.settings.test $(BIN)/python manage.py makemigrations --check --dry-run
	@DJANGO_SETTINGS_MODULE=config.settings.test $(BIN)/python manage.py check --fail-level WARNING

bench:  ## Run the comparisons and write benchmarks/RESULTS.md (ONLY=name)
	@bin/environment test
	@bin/install-servers redis-server
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

chaos:  ## Kill everything while jobs are submitted, and audit (JOBS=100000 SEED=1 STACK=servers)
	@bin/environment test
	@bin/install-servers
	@$(BIN)/python -m tests.chaos --jobs $(CHAOS_JOBS) --seed $(SEED) --stack $(STACK) $(if $(MINUTES),--minutes $(MINUTES))

chaos-runs:  ## Kill everything while durable runs go on, and audit (SEED=1 STACK=servers)
	@bin/environment test
	@bin/install-servers
	@$(BIN)/python -m tests.chaos.runs --seed $(SEED) --stack $(STACK) $(if $(MINUTES),--minutes $(MINUTES))

sabotage:  ## Break one mechanism after another; its tests must fail (ONLY=name, JOBS=2)
	@bin/environment test
	@bin/install-servers
	@$(BIN)/python -m tests.sabotage.run --jobs $(JOBS) $(if $(ONLY),--only $(ONLY))

celery-suite:  ## Run Celery's own integration tests of canvas on the platform (ARGS="-k name")
	@bin/environment test
	@bin/install-servers redis-server
	@$(BIN)/python -m tests.celery_suite $(ARGS)

format:  ## Format the code and mend what can be mended
	@bin/environment test
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock:  ## Lock requirements/*.in, the benchmarks' peers and what Celery's suite needs again
	@bin/environment test
	@cd requirements && for name in base local test production; do \
		../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--custom-compile-command "make lock" --output-file $$name.txt $$name.in || exit 1; \
	done
	@cd benchmarks && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --custom-compile-command "make lock" \
		--output-file requirements-peers.txt requirements-peers.in
	@cd tests/celery_suite && ../../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --custom-compile-command "make lock" \
		--constraints ../../requirements/test.txt --output-file requirements.txt requirements.in

clean:  ## Remove caches and test results; keeps .venv and var
	@rm -rf build test-results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
