# Each target does what is missing first. NODE=name for another node than `demo`.
SHELL := /bin/sh
NODE ?= demo
AZORA := .venv/bin/azora
PYTEST := .venv/bin/pytest
# Tests that need neither the node nor root; `pytest` alone runs them too.
PURE := $(addprefix tests/,core config host gateways operations tasks cli local docs charts monitoring)
RANDOM := $(if $(SEED),--randomly-seed=$(SEED))
unexport PYTHONDONTWRITEBYTECODE VIRTUAL_ENV AZORA_SETTINGS

.PHONY: help demo test up down clean lint docs check mutants slow full drill thirty programs bootstrap

help:            ## what one can ask for
	@grep -E '^[a-z]+: .*## |^help:' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: bootstrap  ## install what is missing, start everything, release twice, print where to look (ASK=1: you approve; GATE=1: the cluster enforces it)
	$(AZORA) demo --change services/web/banner.txt $(if $(ASK),--ask) $(if $(filter 0,$(GATE)),--no-gate,$(if $(GATE),--gate))

test: programs   ## the tests, in random order (SEED=n: in that one), on a node of their own; leaves a running demo alone
	$(PYTEST) -n 2 --dist loadgroup -m "not mutants and not slow and not full" --cov --cov-report=term:skip-covered $(RANDOM) $(PURE) tests/mutants tests/node

up: bootstrap    ## start the node, Prefect and its worker; no release
	$(AZORA) local up $(NODE)

down: bootstrap  ## stop the node; nothing is left of it but its state folder
	$(AZORA) local down $(NODE)

clean: bootstrap ## stop every node; forget their state and the caches
	$(AZORA) local clean --everything

lint: bootstrap  ## style, types, the direction of imports, GitHub's workflows
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python bin/words
	.venv/bin/codespell README.md CONTRIBUTING.md docs azora tasks flows deployments
	$(AZORA) local workflows .github/workflows/*.yml

docs: bootstrap  ## the documentation as a site in site/; no dead link
	bin/docs

check: lint      ## what one runs all day: lint, types and the tests that need no node, in some minutes
	$(PYTEST) -n 2 --dist loadgroup -m "not slow and not full" $(PURE)

mutants: bootstrap ## break the platform in every way that is listed; exactly the case that guards it must see it
	.venv/bin/python -m tests.mutants

slow: programs   ## tests that need the machine for themselves: faults, the runbook, a second pipeline, an older version, the probe
	$(PYTEST) -m slow $(RANDOM) tests/gateways tests/tasks tests/node

full: lint mutants slow test ## all of it, before a version is published; with a second node, the runbook of databases, the workflow's own checks
	$(PYTEST) -m full $(RANDOM) tests/gateways tests/node

drill: up        ## break the demo in every way that the runbook knows, recover by its commands, say how long it took
	AZORA_NODE=$(NODE) .venv/bin/python -m tests.drill

thirty: up       ## thirty releases in a row, counted: docs/thirty-releases.md; half an hour, not part of `make test`
	AZORA_NODE=$(NODE) .venv/bin/python -m benchmarks.thirty_releases

programs: bootstrap
	$(AZORA) local build

bootstrap:
	@bin/bootstrap
