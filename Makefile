# Every target is a thin line over `python -m ...`; on Windows type those lines (see README.md).
PYTHON ?= python3
BIN := .venv/bin
SIZES ?= 10000,100000

.PHONY: demo app worker test lint types unit smoke wheel journeys bench audit clean

demo: .venv/.installed ## install, run the main job on the built-in data set, open the dashboard
	$(BIN)/python -m pipeline demo

app: .venv/.installed ## open the dashboard
	$(BIN)/python -m pipeline app

worker: .venv/.installed ## execute queued runs
	$(BIN)/python -m pipeline worker

test: lint types unit smoke ## what a change has to pass: style, types, tests, a short journey per section

lint: .venv/.installed-dev
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .

types: .venv/.installed-dev
	$(BIN)/python -m mypy

unit: .venv/.installed-dev
	$(BIN)/python -m pytest

smoke: .venv/.installed-dev ## a short journey through each section of the dashboard
	$(BIN)/python -m pytest -m smoke --reruns 1 --rerun-show-tracebacks

wheel: .venv/.installed-dev ## build the package and use it outside the checkout
	.ci/wheel

journeys: .venv/.installed-dev ## all other journeys, each file with a server of its own
	$(BIN)/python -m pytest -m "browser and not smoke" --reruns 1 --rerun-show-tracebacks

bench: .venv/.installed-dev ## a table per subject with ratios against a named peer and the bare bound; make bench SIZES=10000,1000000
	$(BIN)/python -m benchmarks --sizes $(SIZES)

audit: .venv/.installed ## sbom.json, licences.md, and known vulnerabilities where the registry answers
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/pip install -q pip-audit==2.9.0 cyclonedx-bom==7.1.0 pip-licenses==5.0.0
	.venv/audit/bin/cyclonedx-py requirements requirements.txt -o sbom.json
	.venv/audit/bin/pip-licenses --python $(BIN)/python --format=markdown --output-file=licences.md
	-.venv/audit/bin/pip-audit --timeout 15 --no-deps -r requirements.txt

clean: ## remove the virtual environment and caches; data/ stays
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.created:
	$(PYTHON) -c 'import sys; assert sys.version_info[:2] >= (3, 11), "HashLens needs Python 3.11 or newer"'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.installed: requirements.txt .venv/.created
	$(BIN)/python -m pip install --progress-bar on -r requirements.txt
	touch $@

.venv/.installed-dev: requirements-dev.txt requirements-export.txt requirements-networks.txt requirements-optional.txt requirements-scale.txt requirements-trackers.txt requirements.txt .venv/.created
	$(BIN)/python -m pip install --progress-bar on -r requirements-dev.txt
	touch .venv/.installed $@
