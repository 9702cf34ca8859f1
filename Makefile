# Each target works on a fresh clone and says what it is doing. Python 3.11 or newer is all it needs; it takes the
# version that Lambda runs where there is one, also one of pyenv's. PYTHON=python3.x takes another.
PYTHON ?= $(eval PYTHON := $(shell python3 -m layers.recipe.interpreter))$(PYTHON)
ASKED_PYTHON := $(if $(filter command% environment%,$(origin PYTHON)),$(PYTHON))
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps

# make demo: what to provision, how fast time passes (1 = real durations), and which Kubernetes.
REQUEST ?= events/empty.json
SCALE ?= 0
KUBERNETES ?= embedded
# FAULT=name breaks something behind the program's back; FAULT= lists what there is.
ASKED_FAULT = $(if $(filter command% environment%,$(origin FAULT)),--fault '$(FAULT)')

TEMPLATES := template.yaml accounts/*.yaml operations/*.yaml layers/provisioner/provisioner/resources/*.yaml

LOCKS := $(wildcard requirements*.txt) layers/dependencies/requirements.txt

.DEFAULT_GOAL := help
.PHONY: help python demo demo-drift demo-remove serve test permissions lint build first-contact recordings generate bench bench-teardown bench-diagnosis bench-fleet bench-load bench-cost bench-critical-path campaign control-plane clean

help: ## say what can be done
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime ## provision one cluster on the embedded cloud and prove its storage (REQUEST=, SCALE=, KUBERNETES=embedded|real, FAULT=)
	@$(BIN)/python -m local.demo --request $(REQUEST) --scale $(SCALE) --kubernetes $(KUBERNETES) $(ASKED_FAULT)

demo-drift: $(VENV)/.runtime ## break a proven cluster behind the program's back, see it found, repaired and proven again (REQUEST=, SCALE=, KUBERNETES=)
	@$(BIN)/python -m local.demo_drift --request $(REQUEST) --scale $(SCALE) --kubernetes $(KUBERNETES)

demo-remove: $(VENV)/.runtime ## remove a cluster whose data stays, give the data to a new one, then remove both (REQUEST=, SCALE=, KUBERNETES=)
	@$(BIN)/python -m local.demo_remove --request $(REQUEST) --scale $(SCALE) --kubernetes $(KUBERNETES)

serve: $(VENV)/.runtime ## keep the embedded cloud up for aws and kubectl until Ctrl-C (SCALE=, KUBERNETES=)
	@$(BIN)/python -m local.serve --scale $(SCALE) --kubernetes $(KUBERNETES)

test: $(VENV)/.development $(VENV)-aws/.installed ## run every test; on the real Kubernetes too when it has been built
	@$(BIN)/python -m tests

permissions: $(VENV)/.development ## show what every role may do and who used it, and take each statement away in turn
	@$(BIN)/python -m pytest -q tests/permissions

first-contact: $(VENV)/.runtime ## ask the account of AWS_PROFILE what docs/assumptions.md relies on; costs nothing without RUN=request.json (COMPARE=answers.json, EMBEDDED=1)
	@$(BIN)/python -m $(if $(EMBEDDED),local.first_contact,first_contact) $(if $(RUN),--run $(RUN)) $(if $(COMPARE),--compare $(COMPARE))

recordings: $(VENV)/.development ## record again what first contact asks AWS about states, rules and roles (2 minutes)
	PYTHONPATH=layers/provisioner $(BIN)/python -m tests.first_contact.record

lint: $(VENV)/.development $(VENV)-sam/.installed $(VENV)-checkov/.installed $(VENV)-audit/.installed ## ruff, mypy --strict, import-linter, cfn-lint, checkov, sam validate, statelint, our own checks of state machines and policies, pip-audit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=layers/provisioner $(BIN)/mypy -p provisioner
	$(BIN)/mypy eks_efs first_contact local campaign tests bench tools layers/recipe
	PYTHONPATH=layers/provisioner:. $(BIN)/lint-imports
	$(BIN)/cfn-lint $(TEMPLATES)
	$(VENV)-checkov/bin/checkov --config-file .checkov.yaml --skip-download --file $(TEMPLATES)
	$(BIN)/python -m tests.statemachine.check
	$(BIN)/python -m tests.statemachine.second_opinion
	PYTHONPATH=layers/provisioner $(BIN)/python -m tests.policies.check
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)-sam/bin/sam validate --lint --template template.yaml
	$(BIN)/python -m tools.audit $(VENV)-audit/bin/pip-audit $(LOCKS)

build: $(VENV)/.development $(VENV)-sam/.installed ## build for AWS Lambda without Docker, and run what was built on the embedded cloud
	@echo "Building the layers and the functions for AWS Lambda (python3.13, arm64)"
	@find functions -name __pycache__ -prune -exec rm -rf {} +
	SAM_CLI_TELEMETRY=0 PYTHON=$(abspath $(VENV)-sam)/bin/python $(VENV)-sam/bin/sam build --parallel
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)-sam/bin/sam validate --lint --template template.yaml
	@$(BIN)/python -m tests.artifacts.sizes
	$(BIN)/python -m pytest -q tests/artifacts

generate: $(VENV)/.development ## write again what is generated from the code; tests tell when that is due
	$(BIN)/python -m tools.event_schemas
	PYTHONPATH=layers/provisioner $(BIN)/python -m provisioner.published schemas
	PYTHONPATH=layers/provisioner $(BIN)/python -m provisioner.request > schemas/request.schema.json
	PYTHONPATH=layers/provisioner $(BIN)/python -m provisioner.kubernetes.evidence > schemas/evidence.schema.json
	$(BIN)/python -m tools.parameters
	$(BIN)/python -m tools.regions
	PYTHONPATH=layers/provisioner $(BIN)/python -m provisioner.diagnosis.documentation > docs/diagnosis.md
	PYTHONPATH=layers/provisioner $(BIN)/python -m provisioner.inspection.documentation > docs/drift.md
	PYTHONPATH=layers/provisioner $(BIN)/python -m provisioner.removal.documentation > docs/obstacles.md

bench: $(VENV)/.runtime ## measure the embedded cloud, and a removal at real durations (about 10 minutes)
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.teardown

bench-teardown: $(VENV)/.runtime ## measure a removal at real durations beside the longest chain of what has to wait (about 7 minutes)
	@$(BIN)/python -m bench.teardown

bench-diagnosis: $(VENV)/.runtime ## break everything that the diagnosis knows, and see whether it finds it
	@$(BIN)/python -m bench.diagnosis

bench-fleet: $(VENV)/.runtime ## check 10, 100 and 1,000 recorded clusters: wall time, billed transitions and invocations per cluster
	@$(BIN)/python -m bench.fleet

bench-load: $(VENV)/.runtime ## tell a new hub of 500 new accounts within a minute, and check 5,000 clusters of which a third is not well (an hour)
	@$(BIN)/python -m bench.load
	@$(BIN)/python -m bench.fleet --sizes 9 --failing --replayed 5000

bench-cost: $(VENV)/.runtime ## measure what a run and a check take, and write docs/cost.md (3 minutes)
	@$(BIN)/python -m bench.cost

bench-critical-path: $(VENV)/.runtime ## say where a first run's time goes, beside the longest chain that AWS imposes (16 minutes; SCALE=, NETWORK=existing, or HISTORY=file, EXECUTION=arn of one that was)
	@PYTHONPATH=layers/provisioner $(BIN)/python -m bench.critical_path $(if $(HISTORY),--history '$(HISTORY)') $(if $(EXECUTION),--execution '$(EXECUTION)') $(if $(NETWORK),--network $(NETWORK)) $(if $(filter command% environment%,$(origin SCALE)),--scale $(SCALE))

campaign: $(VENV)/.runtime ## let the machines' requests meet faults, go on where it stopped, and write docs/reliability.md (SAMPLE=, ONLY=, JOBS=, SEED=, RECORD=1, KUBERNETES=real)
	@PYTHONWARNINGS=ignore $(BIN)/python -m campaign $(if $(filter real,$(KUBERNETES)),--kubernetes real) $(if $(RECORD),--record) $(if $(SEED),--seed $(SEED)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(ONLY),--only '$(ONLY)') $(if $(JOBS),--jobs $(JOBS))

control-plane: $(VENV)/.runtime ## build a real Kubernetes control plane from Go modules, once per machine (about 6 minutes)
	@$(BIN)/python -m local.control_plane.build

clean: ## remove what the targets above made in this folder
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-sam $(VENV)-aws $(VENV)-checkov $(VENV)-audit .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.x …"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version), $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

python: $(VENV)/bin/python
	@$(BIN)/python -m layers.recipe.interpreter --check $(ASKED_PYTHON)

$(VENV)/.runtime: requirements.txt | python
	@echo "Installing what the embedded cloud needs (half a minute, once)"
	@$(BIN)/python $(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing what tests and linters need (once)"
	@$(BIN)/python $(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

# Command-line tools that pin what our packages need newer live in environments of their own.
$(VENV)-%/.installed: requirements-%.txt
	@echo "Installing the $* command-line interface into $(VENV)-$* (once)"
	@$(PYTHON) -m venv $(VENV)-$*
	@$(VENV)-$*/bin/python $(PIP_INSTALL) -r requirements-$*.txt
	@touch $@
