# `make demo` and `make test` do all set-up themselves: they need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint serve dev pictures clean pins
.DEFAULT_GOAL := demo

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "plantlake needs Python 3.11 or newer; set PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing pinned packages into $(VENV) (once) ..."
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## the sample portfolio: written, refreshed, and its KPI table
	@$(BIN)/plantlake demo demo

test: $(READY)  ## all tests, in two processes; a file's tests share what they set up
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)  ## ruff, mypy, no average of a ratio, generated files up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m dbt_project.lint
	@$(BIN)/python -m dbt_project.generate --check

serve: $(READY)  ## the dashboard of $$PLANTLAKE_PORTFOLIO (default: ./demo) on http://127.0.0.1:8080/
	@$(BIN)/plantlake serve -p $${PLANTLAKE_PORTFOLIO:-demo}

dev: $(READY)  ## the Dagster web UI over $$PLANTLAKE_PORTFOLIO (default: ./demo)
	@PLANTLAKE_PORTFOLIO=$${PLANTLAKE_PORTFOLIO:-$(CURDIR)/demo} $(BIN)/plantlake dev

pictures: $(READY)  ## the pictures in docs/, of a refreshed sample portfolio (needs chromium, LibreOffice, poppler-utils)
	@$(BIN)/python -m docs.pictures $${PLANTLAKE_PORTFOLIO:-demo}

pins:  ## pins the packages of pyproject.toml anew, with hashes and without addresses (needs uv)
	uv pip compile pyproject.toml --all-extras --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header -o requirements.txt

clean:  ## everything that was built, but no portfolio
	rm -rf $(VENV) build *.egg-info dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
