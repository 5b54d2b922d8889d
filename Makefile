# The doors of this project. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
SEEDS ?= 200
SEED ?= 1
WORKERS ?= 2
BUDGET ?= 60

.PHONY: help install demo test lint bench sim sim-mutants fuzz docs contracts switches lock clean

help: ## List the doors
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/installed: requirements/dev.txt pyproject.toml
	@echo "Installing the locked dependencies into $(VENV) with $(PYTHON) ..."
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or 3.12 is needed; name it with make PYTHON=..."; exit 3; }
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(RUN) -c 'import sysconfig; print("$(CURDIR)", file=open(sysconfig.get_path("purelib") + "/dataccord.pth", "w"))'
	@printf '#!/bin/sh\nexec "%s/$(RUN)" -m node "$$@"\n' "$(CURDIR)" > $(VENV)/bin/dataccord
	@chmod +x $(VENV)/bin/dataccord
	@touch $@

install: $(VENV)/installed ## Make the virtual environment from the lock, hashes checked

demo: install ## Play one real share end to end on four validators
	@$(RUN) -m scripts.demo

test: install ## Run the whole suite, with coverage of spec and consensus
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=95

lint: install ## Format check, lint, types, floors
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: install ## Load four fresh validators; print TPS, latency and CPU per transaction
	@$(RUN) -m scripts.bench

sim: install ## Simulate SEEDS=n seeded networks with faults and liars
	@$(RUN) -m scripts.sim --seeds $(SEEDS) --first $(SEED)

sim-mutants: install ## Show that the simulation catches five planted bugs
	@$(RUN) -m scripts.sim_mutants

switches: install ## Show that the demo fails when one of five safeguards is off
	@$(RUN) -m scripts.switches

fuzz: install ## Mutate bytes at every decoder for BUDGET seconds
	@$(RUN) -m scripts.fuzz --seconds $(BUDGET) --seed $(SEED)

docs: install ## Write docs/cli.md from the commands themselves
	@$(RUN) -m scripts.docs

contracts: install ## Compile the contracts and write their artifacts
	@$(RUN) -m chaincode.build

lock: ## Resolve the dependencies anew into hash locks (needs uv)
	@for name in runtime dev; do (cd requirements && uv pip compile -q --universal --python-version 3.11 --only-binary :all: --generate-hashes --custom-compile-command "make lock" $$name.in -o $$name.txt); done

clean: ## Remove what the doors made
	@rm -rf $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis build
