# `make help` lists the targets. The first one that needs packages installs the pinned ones into $(VENV).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# The folders that ship, by their places in a checkout, and every file in them.
FOLDERS := fbnetv2_tf builders flags
LIST_FILES := find $(FOLDERS) -name __pycache__ -prune -o -type f -print | LC_ALL=C sort

# TensorFlow's C++ start-up notes; its errors are raised in Python whatever this says.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help install quickstart quickstart-short test coverage lint format docs notebook bazel-test constraints clean

help: ## Say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: install ## Search, train, export and evaluate a small network on the data set in the package
	@$(BIN)/python -m fbnetv2_tf.flags.quickstart

quickstart-short: install ## The same in about a minute, to see that every step works
	@$(BIN)/python -m fbnetv2_tf.flags.quickstart --short

test: install ## Run every test
	@$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: install ## Run every test and say which lines none of them reached
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term-missing:skip-covered

lint: install ## Check style (ruff) and types (mypy)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@tools/mypy.sh $(BIN)

format: install ## Lay the code out as `make lint` wants it
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

docs: install $(VENV)/.docs ## Build the pages into build/site
	@tools/docs.sh $(BIN)

notebook: install $(VENV)/.docs ## Run docs/notebook.ipynb and keep what it prints
	@$(BIN)/python tools/notebook.py

bazel-test: install ## Run every test under Bazel, installing Debian's when there is none
	@tools/bazel/test.sh $(abspath $(BIN))

constraints: $(BIN)/python ## Resolve constraints.txt anew from setup.py
	@$(PIP) install --quiet uv
	@tools/constraints.sh $(BIN)

clean: ## Remove what the targets made, except the virtual environment
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	rm -f $(VENV)/.layout $(VENV)/.docs
	find $(FOLDERS) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# An editable install links the files that exist when it runs, so it runs again when one comes or goes.
install: $(VENV)/.packages ## Install the pinned packages and this one, where that is not done yet
	@$(LIST_FILES) | cmp --silent - $(VENV)/.layout || { \
	  $(PIP) install --quiet --no-deps --no-build-isolation --editable . \
	  && $(LIST_FILES) > $(VENV)/.layout; }

$(VENV)/.packages: setup.py constraints.txt fbnetv2_tf/version.py | $(BIN)/python
	@echo "Installing packages into $(VENV) (a few minutes the first time)"
	@$(PIP) install --quiet --constraint constraints.txt setuptools
	@$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[test]'
	@$(LIST_FILES) > $(VENV)/.layout
	@touch $@

$(VENV)/.docs: setup.py constraints.txt | $(VENV)/.packages
	@$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[docs]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v < (3, 14) else \
	  "PYTHON must be Python 3.10 to 3.13. Received: %d.%d; try make PYTHON=python3.11." % v[:2])'
	@$(PYTHON) -m venv $(VENV)
