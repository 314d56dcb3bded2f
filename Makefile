# Two words for a newcomer: `make run`. Everything else is for those who change the code.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# what looks like a secret and is the name of one, a sentence, or an example
NO_SECRETS := ^(password|PASSWORD|(stream\.|wrong_)?password(_needed)?|X-Telegram-Bot-Api-Secret-Token|[A-Z][a-z ]* password[a-z ]*\.|0123456789ABC[A-Z]*)$$

.PHONY: help run test check bench soak lock sbom system

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

.venv/.installed: requirements.txt
	@test -d .venv || $(PYTHON) -m venv .venv
	@echo "Installing the packages (once; about a minute) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@echo "Installing the tools for tests and checks (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: .venv/.installed ## set up what is missing and start; without BOT_TOKEN in .env the demo
	@$(BIN)/python bot.py

test: .venv/.installed-dev system ## set up what is missing and run all the tests
	@$(BIN)/python -m compileall -q bot.py handlers migrations nobs_bot # for the many processes that tests start
	@./tests/in-memory.sh $(BIN)/pytest -n 4 --dist loadgroup -m "not soak"

soak: .venv/.installed-dev ## the long tests, and SCHEDULES=1000 schedules of faults from SEED=1 on
	@$(BIN)/pytest -m soak
	@$(BIN)/python -m tests.faults --schedules $(or $(SCHEDULES),1000) --seed $(or $(SEED),1)

check: .venv/.installed-dev ## style, types, imports, migrations, texts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@git ls-files -z -- '*.py' '*.md' '*.sh' '*.yaml' '*.toml' '*.conf' '*.service' '.env.example' ':!tests' | xargs -0 $(BIN)/detect-secrets-hook --exclude-secrets '$(NO_SECRETS)'
	@$(BIN)/pytest -q -p no:cacheprovider tests/test_docs.py tests/test_migrations.py tests/texts

bench: .venv/.installed-dev ## measure, print the table, write benchmarks/results.json
	@$(BIN)/python -m benchmarks

sbom: .venv/.installed-dev ## what is delivered, as CycloneDX: sbom.json
	@$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --of JSON -o sbom.json

system: # the tests' system packages, where they can be had without asking
	@./tests/system-packages.sh

lock: .venv/.installed-dev ## pin the dependencies anew
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 pyproject.toml --extra tracing -c requirements.txt -o requirements-tracing.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 pyproject.toml --extra tracing --group dev -c requirements-tracing.txt -o requirements-dev.txt
