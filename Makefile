# What a person types. Everything runs from .venv, which `make` creates when it is missing.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: test test-unit lint

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

test-unit: .venv/.installed
	$(BIN)/python -m pytest tests/unit

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
