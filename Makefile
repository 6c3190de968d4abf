# make demo: export, check, time and use the embedded generator; a page for browsers where they are set up. make test: the fast tests.
# make install-light: runtimes and benchmarks alone, without PyTorch and TensorFlow; make test-light: the tests that need no more.
# make container: an image without PyTorch, CONTAINERS=docker with docker (docs/container.md).
# make fuzz: a minute of mutated files (docs/reliability.md).
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
LIGHT ?= .venv-light
LIGHT_TESTS ?= tests
DEMO ?= demo
CONTAINERS ?= podman
# Tests of one file stay in one process: they share what its fixtures made.
TWO_PROCESSES ?= -n 2 --dist loadfile

.PHONY: install install-light demo light-bundle test test-light test-all fuzz container lint lint-light clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt spandrel einops
	touch $@

install-light: $(LIGHT)/installed

$(LIGHT)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev-light]"
	touch $@

demo: install
	$(BIN)/edgesr export --preset srrescycgan-mobile --output $(DEMO)/bundle
	$(BIN)/edgesr parity $(DEMO)/bundle --json $(DEMO)/parity.json
	$(BIN)/edgesr bench $(DEMO)/bundle --threads 1,2 --rounds 3 --json $(DEMO)/latency.json
	$(BIN)/edgesr profile $(DEMO)/bundle --json $(DEMO)/profile.json
	$(BIN)/edgesr upscale export/photographs/cat.png $(DEMO)/cat_x4.png --bundle $(DEMO)/bundle
	$(BIN)/edgesr web $(DEMO)/bundle --output $(DEMO)/site || echo "no page for browsers: set that up, then make demo again"
	$(BIN)/edgesr report $(DEMO)/bundle --parity $(DEMO)/parity.json --latency $(DEMO)/latency.json --profile $(DEMO)/profile.json --output $(DEMO)/report.html

light-bundle: install-light
	$(LIGHT)/bin/python -m tests.helpers.light_install.bundle $(DEMO)/bundle

test: install
	$(BIN)/python -m pytest -m "not slow" $(TWO_PROCESSES) $(PYTEST_OPTIONS)

test-light: install-light
	$(LIGHT)/bin/python -m pytest --light -m "not slow" $(TWO_PROCESSES) $(PYTEST_OPTIONS) $(LIGHT_TESTS)

test-all: install
	$(BIN)/python -m pytest

fuzz: install
	$(BIN)/python -m tests.fuzzing --seconds 6

container:
	$(CONTAINERS) build --file Containerfile --tag edgesr .

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-light: install-light
	$(LIGHT)/bin/ruff format --check .
	$(LIGHT)/bin/ruff check .
	$(LIGHT)/bin/lint-imports

clean:
	rm -rf $(VENV) $(LIGHT) $(DEMO) build *.egg-info
