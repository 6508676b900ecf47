# `make` without a target lists the targets. A target stops with a message if it needs a missing program or file.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo serve up down clean certs credentials users user-add user-remove db-password calculate load drill mail status logs reload \
        rotate backup restore \
        test test-all unit integration e2e check docs audit coverage mutants format lock venv engine running \
        start monitor bench bench-clients bench-faults bench-million bench-peers bench-profile

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPOSE := docker compose
# The files and .env of this folder define the stack. Variables of Compose in the shell do not.
unexport $(filter COMPOSE_%,$(.VARIABLES))
# Targets that change the stack take turns.
EXCLUSIVELY = @tools/run-exclusively $@
# The option -T of `docker compose run` disables the terminal of the container. $(TTY) adds this option if make
# itself has no terminal.
TTY = $$([ -t 0 ] && [ -t 2 ] || echo -T)
# Options that run a container as the owner of the folder `secrets`, who can then read the files that the container
# writes there. 10001 is the group of the logs.
AS_OWNER = --user "$$(tools/print-owner secrets):10001"

FILE ?=
LINES ?= 20
FOLLOW ?=
ID ?=
LEVEL ?=
LOGIN ?=
RAW ?=
SERVICE ?=
# Export these variables as they were typed. Otherwise, make would expand $(...) in them, and a recipe's shell would run it.
TYPED = FOLLOW ID LEVEL LINES LOGIN RAW SERVICE
$(foreach name,$(TYPED),$(eval override $(name) := $$(value $(name))))
export $(TYPED)
T ?=

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	     /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile

##@ Without Docker
demo: $(BIN)/.ready ## Calculate the sample file under the law of 2025 and the tutorial's rules, show an alert e-mail, and stop
	@$(BIN)/python -m tools.demo

serve: $(BIN)/.ready secrets/client_credentials ## Serve the API on SQLite at 127.0.0.1:8000 until Ctrl-C
	@mkdir -p var
	@DB_FILE=var/tax.sqlite $(BIN)/income-tax seed sqlite db/init
	@DB_FILE=var/tax.sqlite USERS_FILE=secrets/api/users STATE_DIR=var/state LOG_FILE=$${LOG_FILE:-var/logs/api/api.log} \
	 exec $(BIN)/income-tax sqlite

##@ The stack
up: engine ## Start or update the stack [DB=postgres|mysql] [REPLICAS=2] [HTTP_PORT=8080] [MAIL_PORT=8025] [TLS=on|off] [HTTPS_PORT=8443]
	$(EXCLUSIVELY) $(MAKE) --no-print-directory start

# The steps of `up`. The last step stores the arguments, so a failed start does not change .env.
start:
	@tools/read-settings | tools/check-settings
	@echo "Building the images. The first build takes about a minute ..."
	@$(COMPOSE) --profile client build --quiet
	@tools/create-secrets '$(BIN)'
	@tools/start-stack
	@tools/save-settings .env DB '$(DB)' REPLICAS '$(REPLICAS)' HTTP_PORT '$(HTTP_PORT)' MAIL_PORT '$(MAIL_PORT)' \
	 TLS '$(TLS)' HTTPS_PORT '$(HTTPS_PORT)' MAX_REPLICAS '$(MAX_REPLICAS)'

down: engine ## Stop the stack and keep its data, mails and logs
	$(EXCLUSIVELY) $(COMPOSE) --profile '*' down --remove-orphans

clean: engine ## Stop the stack and remove its data, mails, logs and images (secrets and .env stay)
	$(EXCLUSIVELY) $(COMPOSE) --profile '*' down --volumes --rmi local --remove-orphans

certs: engine ## Create a self-signed certificate in secrets/tls for TLS=on, if none exists
	@tools/create-certs

credentials: secrets/client_credentials ## Print the client's credentials as LOGIN:PASSWORD
	@cat secrets/client_credentials

users: engine ## List the users of the API
	@$(COMPOSE) run --rm --no-deps -T $(AS_OWNER) admin users list < /dev/null

user-add: engine secrets/client_credentials ## Ask for a password, and add the user or change the password of an existing user: LOGIN=alice
	@[ -n "$$LOGIN" ] || { echo "make user-add needs a login name, for example: make user-add LOGIN=alice" >&2; exit 1; }
	@[ "$$LOGIN" != "$$(cut -d: -f1 secrets/client_credentials)" ] || \
	 { echo "$$LOGIN is the stack's own client. For a new password: rm secrets/client_credentials && make credentials" >&2; exit 1; }
	@$(COMPOSE) run --rm --no-deps $(TTY) $(AS_OWNER) admin users add -- "$$LOGIN"

user-remove: engine ## Remove a user: LOGIN=alice
	@[ -n "$$LOGIN" ] || { echo "make user-remove needs a login name, for example: make user-remove LOGIN=alice" >&2; exit 1; }
	@$(COMPOSE) run --rm --no-deps -T $(AS_OWNER) admin users remove -- "$$LOGIN" < /dev/null

db-password: running ## Change the passwords of both database accounts without downtime
	$(EXCLUSIVELY) tools/rotate-db-passwords

calculate: running ## Calculate a taxpayers file and write the output to results/ [FILE=the sample] [OUT=x.csv] [OPTIONS='--batch 1000']
	@tools/run-calculate

load: running ## Run a load test and write its report to reports/ [REQUESTS=10000] [THREADS=32] [RATE=] [CLIENTS=1]
	@tools/run-load $(OPTIONS)

drill: running ## Start the API without a database, and show its alert e-mail
	@$(COMPOSE) run --rm --no-deps -T --entrypoint python api - < tools/alert_drill.py

mail: running ## Show the last alert e-mails that MailHog caught, newest last [LINES=20]
	@$(COMPOSE) exec -T api python - '$(LINES)' < tools/print_mails.py
	@echo "MailHog's page: http://$$($(COMPOSE) port mailhog 8025)"

status: running secrets/client_credentials ## Print the status of the service, and fail if there is a problem
	@$(COMPOSE) exec -T api python -c "$$(cat tools/print_status.py)" < secrets/client_credentials

logs: running ## Show the last lines of every log [LINES=20] [SERVICE=api|client|nginx|db|mailhog] [LEVEL=warning] [ID=request id] [FOLLOW=1] [RAW=1]
	@$(COMPOSE) run --rm --no-deps -T --entrypoint python rotate - "LINES=$$LINES" "SERVICE=$$SERVICE" "LEVEL=$$LEVEL" \
	 "ID=$$ID" "FOLLOW=$$FOLLOW" "RAW=$$RAW" < tools/print_logs.py

reload: running ## Load db/init/schedules.json into the database and all replicas, or keep the old tax data if the file is invalid
	$(EXCLUSIVELY) tools/reload-schedules --force < /dev/null

backup: running ## Write the tax data of the database to a file in backups/
	@mkdir -p backups
	@file=backups/schedules-$$(date -u +%Y%m%dT%H%M%SZ).json; \
	 $(COMPOSE) exec -T api sh -c 'python -m income_tax dump "$$DB"' < /dev/null > $$file && echo "$$file" || { rm -f $$file; exit 1; }

restore: running ## Load the tax data of a backup into the database and all replicas: FILE=backups/...
	@[ -r "$$FILE" ] || { echo "make restore needs a readable file of make backup: make restore FILE=backups/..." >&2; exit 1; }
	$(EXCLUSIVELY) tools/reload-schedules --figures - < "$$FILE"

monitor: running ## Start Prometheus, Alertmanager and exporters, and print their addresses [GRAFANA=1: Grafana too]
	@tools/create-secrets '$(BIN)'
	$(EXCLUSIVELY) tools/start-monitoring

rotate: running ## Rotate all logs now, regardless of their size
	@$(COMPOSE) exec -T rotate python -m income_tax rotate /logs --now < /dev/null

##@ Development
# One process runs all tests of a file. In tests/e2e, one process runs all tests of a stack. Most tests spend most
# of their time waiting, so PROCESSES can exceed the number of cores.
PROCESSES ?= 6
STACKS ?= 3
PYTEST = $(BIN)/pytest --durations=25
BY_FILE = $(PYTEST) -n $(PROCESSES) --dist loadfile
BY_STACK = $(PYTEST) -n $(STACKS) --dist loadgroup --no-loadscope-reorder

test: $(BIN)/.ready ## Run all tests, but skip the tests of the stack if Docker does not run [REQUIRE_DOCKER=1: fail instead]
	@$(BY_FILE) tests/unit tests/integration
	@$(BY_STACK) tests/e2e

test-all: ## Run all tests on both databases, with all repetitions and examples (half an hour)
	@$(MAKE) --no-print-directory test THOROUGH=1 REQUIRE_DOCKER=1

unit: $(BIN)/.ready ## Run the unit tests [T='-k brackets']
	@$(BY_FILE) tests/unit $(T)

integration: $(BIN)/.ready ## Run the tests with real gunicorn, SMTP, files, SQLite and Chromium [T=]
	@$(BY_FILE) tests/integration $(T)

e2e: $(BIN)/.ready ## Run the tests of the stack in containers [T=]
	@$(BY_STACK) tests/e2e $(T)

check: $(BIN)/.ready ## Run all linters, check types and formatting, and build the documentation site
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck $$(git grep -lE '^#(!.*[/ ](ba)?sh$$| shellcheck shell=)')
	$(BIN)/hadolint services/*/Dockerfile
	$(BIN)/oxlint services
	$(BIN)/zizmor --quiet --offline --pedantic --strict-collection .github
	$(MKDOCS)

# Do not add --quiet, because --strict would then ignore all warnings.
MKDOCS = NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
docs: $(BIN)/.ready ## Build the documentation site in site/
	@$(MKDOCS)

coverage: $(BIN)/.ready ## Run unit and integration tests, and fail if they cover too few lines and branches
	@$(BY_FILE) tests/unit tests/integration --cov --cov-report=term $(T)

# pip-audit gets its own virtual environment, because the project does not need the packages of pip-audit.
AUDIT := tools/.audit
LOCKS := $(wildcard requirements.lock services/*/requirements.lock)
audit: $(AUDIT)/bin/pip-audit ## Look up known vulnerabilities of the locked packages [OPTIONS=]
	@$(AUDIT)/bin/pip-audit --require-hashes --disable-pip --strict $(addprefix --requirement ,$(LOCKS)) $(OPTIONS)

$(AUDIT)/bin/pip-audit: tools/audit.lock
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ # makes the program newer than the lock file

mutants: $(BIN)/.ready ## Insert small faults into the code, and fail if the tests detect fewer than 95 % (half an hour) [T='name ...']
	@$(BIN)/python tools/mutants.py $(T)

format: $(BIN)/.ready ## Format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: $(BIN)/.ready engine ## Compare the API with two baselines and a tutorial server, and check the performance targets (half an hour)
	@$(BIN)/python bench/login_timing.py
	@$(BIN)/python bench/alert_latency.py
	@$(BIN)/python bench/compare_servers.py

bench-clients: $(BIN)/.ready engine ## Compare the load generator with Locust and hey (2 minutes)
	@$(BIN)/python bench/load_generator_comparison.py

bench-peers: $(BIN)/.ready engine ## Install OpenFisca and compare the API with OpenFisca's web API, then run bench-clients (4 minutes, 1 GB of memory)
	@$(BIN)/python bench/openfisca_comparison.py
	@$(BIN)/python bench/load_generator_comparison.py

bench-profile: $(BIN)/.ready ## Profile a request of the API and of a bare WSGI callable with py-spy (1 minute)
	@$(BIN)/python bench/request_profile.py

bench-faults: $(BIN)/.ready engine ## Measure the longest answer while a replica is frozen, without a network, or killed (5 minutes)
	@$(BIN)/python bench/gray_failures.py

bench-million: $(BIN)/.ready engine ## Calculate a million lines by both laws, without and with three SIGKILLs (4 minutes)
	@$(BIN)/python bench/million_taxpayers.py

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
       --no-emit-package tax-common
lock: $(BIN)/.ready ## Update the lock files to the newest versions
	@$(BIN)/pip install --quiet uv
	@$(LOCK) --upgrade services/api/pyproject.toml services/client/pyproject.toml --group dev --output-file requirements.lock
	@echo pip-audit | $(LOCK) --upgrade - --output-file tools/audit.lock
	@for s in api client; do \
	  $(LOCK) services/$$s/pyproject.toml --constraint requirements.lock --output-file services/$$s/requirements.lock; done

# This rule creates the virtual environment again if requirements.lock or the pyproject.toml of a package has changed.
# It also does so if this folder has been copied or moved, because the environment contains the path of the folder.
ifneq ($(shell cat $(BIN)/.ready 2>/dev/null),$(realpath .))
$(BIN)/.ready: FORCE
FORCE:
endif
$(BIN)/.ready: requirements.lock services/common/pyproject.toml services/api/pyproject.toml services/client/pyproject.toml
	@tools/create-venv '$(PYTHON)' '$(VENV)'

venv: $(BIN)/.ready

secrets/client_credentials:
	@tools/create-secrets '$(BIN)'

engine:
	@tools/check-docker

running: engine
	@[ -n "$$($(COMPOSE) ps --quiet --status running nginx)" ] || \
	 { echo "The stack does not run. Start it with \`make up\`." >&2; exit 1; }
