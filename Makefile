# The doors of this project. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
SEEDS ?= 200
SEED ?= 1
COUNT ?= 20
WORKERS ?= 2
BUDGET ?= 60
TRANSACTIONS ?= 100000
STORIES ?= 2000
ENGINE_SOURCES := $(wildcard engine/src/*.rs) engine/Cargo.toml engine/Cargo.lock engine/pyproject.toml engine/dataccord_engine.pyi
HAS_CARGO := $(shell cargo --version 2>/dev/null | awk '{split($$2, v, "."); if (v[1] > 1 || v[2] >= 95) print "yes"}')
ENGINE_STAMP := $(if $(HAS_CARGO),$(VENV)/engine)

.PHONY: help install engine lint-engine differential demo test lint bench bench-check sim sim-mutants fuzz docs contracts contract-mutants model scenarios foreign-node switches lock clean

help: ## List the doors
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

$(VENV)/installed: requirements/dev.txt pyproject.toml
	@echo "Installing the locked dependencies into $(VENV) with $(PYTHON) ..."
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or 3.12 is needed; name it with make PYTHON=..."; exit 3; }
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(RUN) -c 'import sysconfig; print("$(CURDIR)", file=open(sysconfig.get_path("purelib") + "/dataccord.pth", "w"))'
	@printf '#!/bin/sh\nexec "%s/$(RUN)" -m node "$$@"\n' "$(CURDIR)" > $(VENV)/bin/dataccord
	@chmod +x $(VENV)/bin/dataccord
	@touch $@

# Not .PHONY work: cargo builds once, and again only when engine/ changes.
$(VENV)/engine: $(VENV)/installed $(ENGINE_SOURCES)
	@echo "Building the native engine (about two minutes the first time) ..."
	@if (cd engine && ../$(VENV)/bin/maturin build --release --locked --out target/wheels --interpreter ../$(RUN)) \
	  && $(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall --find-links engine/target/wheels dataccord-engine; \
	then echo "The native engine is built."; else echo "The native engine could not be built: see above."; test -z "$(ENGINE_MUST)"; fi
	@touch $@

install: $(VENV)/installed $(ENGINE_STAMP) ## Make the virtual environment from the lock, hashes checked, and the engine where cargo is
	@test -n "$(HAS_CARGO)" || echo "No cargo 1.95 or later in PATH: the native engine is not built."
	@$(RUN) -c 'from node.execution.choice import load_engine; print(load_engine().line)'

engine: ## Build the native engine anew; fails where it can not be built
	@test -n "$(HAS_CARGO)" || { echo "error: cargo 1.95 or later is needed (https://rustup.rs)"; exit 3; }
	@rm -f $(VENV)/engine
	@$(MAKE) --no-print-directory ENGINE_MUST=yes $(VENV)/engine

demo: install ## Play one real share end to end on four validators; MIXED=1: two on each engine
	@$(RUN) -m scripts.demo $(if $(MIXED),--mixed)

test: install ## Run the whole suite, with coverage of spec and consensus
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=95

lint: install ## Format check, lint, types, floors
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@if test -n "$(HAS_CARGO)"; then $(MAKE) --no-print-directory lint-engine; fi

lint-engine: install
	@cd engine && cargo fmt --check && cargo clippy --release --quiet --locked --all-targets -- -D warnings
	@cd engine && cargo test --release --quiet --locked
	@$(RUN) -m scripts.licences
	@MYPYPATH=engine $(VENV)/bin/stubtest --allowlist engine/stubtest.txt dataccord_engine

bench: install ## Measure every case and write docs/performance.*, 25 minutes; QUICK=1: under 5, only printed
	@$(RUN) -m scripts.bench --all $(if $(QUICK),--quick,--record)

bench-check: install ## Measure quickly; fail where a ratio fell by more than 15 % since recorded
	@$(RUN) -m scripts.bench --all --quick --check

sim: install ## Simulate SEEDS=n seeded networks with faults and liars
	@$(RUN) -m scripts.sim --seeds $(SEEDS) --first $(SEED)

sim-mutants: install ## Show that the simulation catches five planted bugs
	@$(RUN) -m scripts.sim_mutants

differential: install ## Run TRANSACTIONS random transactions on both engines and compare all they give
	@$(RUN) -m tests.differential --transactions $(TRANSACTIONS) --seed $(SEED) --workers $(WORKERS)

scenarios: install ## Play nine scenarios on four validators and say what each proved
	@$(RUN) -m scripts.scenarios

foreign-node: install ## Play the contract part of the scenarios on anvil, unmodified (needs npm)
	@$(RUN) -m scripts.foreign_node

switches: install ## Show that the demo fails when one of five safeguards is off
	@$(RUN) -m scripts.switches

fuzz: install ## Mutate bytes at every decoder for BUDGET seconds
	@$(RUN) -m scripts.fuzz --seconds $(BUDGET) --seed $(SEED)

docs: install ## Write docs/cli.md and docs/vocabulary.md from commands and vocabulary
	@$(RUN) -m scripts.docs

contracts: install ## Compile the contracts, write their artifacts and the classes of their reasons
	@$(RUN) -m chaincode.build
	@$(RUN) -m scripts.reverts

contract-mutants: install ## Plant COUNT bugs in the contracts, drawn by SEED; tests must find all
	@$(RUN) -m scripts.contract_mutants --seed $(SEED) --count $(COUNT)

model: install ## Tell STORIES of an authorization to the contracts and to a short model of it
	@DATACCORD_MODEL_RUNS=$(STORIES) DATACCORD_MODEL_SEED=$(SEED) $(RUN) -m pytest -q tests/chaincode/test_model.py

lock: ## Resolve the dependencies anew into hash locks (needs uv)
	@for name in runtime dev; do (cd requirements && uv pip compile -q --no-strip-extras --universal --python-version 3.11 --only-binary :all: --generate-hashes --custom-compile-command "make lock" $$name.in -o $$name.txt); done

clean: ## Remove what the doors made
	@rm -rf engine/target $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis build
