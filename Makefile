# Every target is a thin line over `python -m ...`; on Windows type those lines (see README.md).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo app worker test lint types unit browser bench clean

demo: .venv/.installed ## install, run the main job on the built-in data set, open the dashboard
	$(BIN)/python -m pipeline demo

app: .venv/.installed ## open the dashboard
	$(BIN)/python -m pipeline app

worker: .venv/.installed ## execute queued runs
	$(BIN)/python -m pipeline worker

test: lint types unit browser ## everything that CI checks

lint: .venv/.installed-dev
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .

types: .venv/.installed-dev
	$(BIN)/python -m mypy

unit: .venv/.installed-dev
	$(BIN)/python -m pytest

browser: .venv/.installed-dev ## journeys through the dashboard, each file with a server of its own
	$(BIN)/python -m pytest -m browser --reruns 1 --rerun-show-tracebacks

bench: .venv/.installed-dev ## tables with ratios against named peers
	$(BIN)/python -m tests.benchmarks.bench_evaluation
	$(BIN)/python -m tests.benchmarks.bench_store
	$(BIN)/python -m tests.benchmarks.bench_faiss

clean: ## remove the virtual environment and caches; data/ stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.created:
	$(PYTHON) -c 'import sys; assert sys.version_info[:2] >= (3, 11), "HashLens needs Python 3.11 or newer"'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.installed: requirements.txt .venv/.created
	$(BIN)/python -m pip install --progress-bar on -r requirements.txt
	touch $@

.venv/.installed-dev: requirements-dev.txt requirements-optional.txt requirements.txt .venv/.created
	$(BIN)/python -m pip install --progress-bar on -r requirements-dev.txt
	touch .venv/.installed $@
