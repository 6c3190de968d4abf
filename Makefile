# make demo: export, check, time and use the embedded generator; a page for browsers where they are set up. make test: the fast tests.
# make container: an image without PyTorch, CONTAINERS=docker with docker (docs/container.md).
# make fuzz: a minute of mutated files (docs/reliability.md).
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo
CONTAINERS ?= podman
# Tests of one file stay in one process: they share what its fixtures made.
TWO_PROCESSES ?= -n 2 --dist loadfile

.PHONY: install demo test test-all fuzz container lint clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt spandrel einops
	touch $@

demo: install
	$(BIN)/edgesr export --preset srrescycgan-mobile --output $(DEMO)/bundle
	$(BIN)/edgesr parity $(DEMO)/bundle --json $(DEMO)/parity.json
	$(BIN)/edgesr bench $(DEMO)/bundle --threads 1,2 --rounds 3 --json $(DEMO)/latency.json
	$(BIN)/edgesr profile $(DEMO)/bundle --json $(DEMO)/profile.json
	$(BIN)/edgesr upscale export/photographs/cat.png $(DEMO)/cat_x4.png --bundle $(DEMO)/bundle
	$(BIN)/edgesr web $(DEMO)/bundle --output $(DEMO)/site || echo "no page for browsers: set that up, then make demo again"
	$(BIN)/edgesr report $(DEMO)/bundle --parity $(DEMO)/parity.json --latency $(DEMO)/latency.json --profile $(DEMO)/profile.json --output $(DEMO)/report.html

test: install
	$(BIN)/python -m pytest -m "not slow" $(TWO_PROCESSES) $(PYTEST_OPTIONS)

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

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info
