# `make help` lists the targets. Nothing but Python 3.11 or newer is needed; everything lives in .venv and .state.

VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := examples/s-and-p-500-companies

# uv trusts the system's certificates, as pip does, and never looks for a Python of its own.
UV := UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never $(BIN)/uv -q pip
LOCK := UV_SYSTEM_CERTS=1 $(BIN)/uv -q pip compile --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help setup demo up test fuzz planted unguarded chaos lint format lock bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.runtime ## install what runs the system into .venv

demo: $(VENV)/.runtime ## start everything, publish the example package, serve until Ctrl-C
	@$(BIN)/dh-server up --demo $(EXAMPLE)

up: $(VENV)/.runtime ## start everything and serve until Ctrl-C
	@$(BIN)/dh-server up

# Kilobytes of memory that must be free for the tests' files to be there: a disk costs them half a minute.
ROOM := 8000000
test: $(VENV)/.dev ## run the tests on real servers (ARGS="-k word" chooses some)
	@sh tests/install-services.sh
	@room=$$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1); \
	if [ -z "$$TMPDIR" ] && [ "$${room:-0}" -ge $(ROOM) ]; then \
		TMPDIR=$$(mktemp -d /dev/shm/dh-XXXX) && chmod 711 "$$TMPDIR" && export TMPDIR; \
		trap 'rm -rf "$$TMPDIR"' EXIT; trap 'exit 130' INT TERM; \
	fi; \
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

N ?= 10000
FIRST ?= 0
fuzz: $(VENV)/.dev ## check random tables by frictionless and by us (N=100000 FIRST=0); differing ones are kept in .fuzz
	@$(BIN)/python -m bench.fuzz -n $(N) --first $(FIRST) --keep .fuzz

planted: $(VENV)/.dev ## plant wrong accepts in copies of the fast path, one by one, and see the tests catch each
	@$(BIN)/python -m bench.planted

unguarded: $(VENV)/.dev ## take away each guard of the delivery in a copy, one by one, and see a test fail for each
	@$(BIN)/python -m bench.unguarded

ROUNDS ?= 20
chaos: $(VENV)/.dev ## kill -9 at every step of every process, on both transports (ROUNDS=20; the result is in bench/results)
	@$(BIN)/python -m bench.chaos --rounds $(ROUNDS) --output bench/results/chaos.json

lint: $(VENV)/.dev ## check style, types and the direction of imports
	@failed=0; for check in 'ruff check' 'ruff format --check' mypy lint-imports; do \
		echo "$$check"; $(BIN)/$$check || failed=1; done; exit $$failed

bench: $(VENV)/.dev ## measure the promises (an hour on 2 cores; `python -m bench.NAME` runs one)
	@for name in validate publish backlog large; do $(BIN)/python -m bench.$$name || exit 1; done

format: $(VENV)/.dev ## bring the code into the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(VENV)/.uv ## choose the newest versions that fit pyproject.toml
	echo 'setuptools>=77' | $(LOCK) pyproject.toml - --extra embedded --upgrade -o requirements.txt
	echo 'setuptools>=77' | $(LOCK) pyproject.toml - --extra embedded --extra dev -c requirements.txt \
		--upgrade -o requirements-dev.txt
	echo 'setuptools>=77' | $(LOCK) pyproject.toml - -c requirements.txt --upgrade -o deploy/requirements.txt
	echo 'uv>=0.13' | $(LOCK) - --upgrade -o requirements-setup.txt

clean: ## remove .venv (the published data in .state stays)
	rm -rf $(VENV)

$(VENV)/.uv: requirements-setup.txt
	@python=$$(sh deploy/find-python.sh) && $$python -m venv $(VENV)
	@$(BIN)/pip install -q --require-hashes -r requirements-setup.txt
	@touch $@

$(VENV)/.runtime: requirements.txt pyproject.toml $(VENV)/.uv
	@echo 'Installing into $(VENV) ...'
	@$(call install,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml $(VENV)/.uv
	@echo 'Installing into $(VENV), with the tools for development ...'
	@$(call install,requirements-dev.txt)
	@touch $@ $(VENV)/.runtime

# uv is six times as fast; pip also knows the indexes that its own configuration files name.
define install
$(UV) install --python $(BIN)/python --compile-bytecode --require-hashes -r $(1) \
	|| $(BIN)/pip install -q --require-hashes -r $(1)
	@$(UV) install --python $(BIN)/python --no-deps --no-build-isolation -e . \
	|| $(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q deploy gateway messages tabular workers
	@$(BIN)/python -m tabular.fast.compile || echo 'Tables will be checked more slowly.'
endef
