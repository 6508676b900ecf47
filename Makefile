# `make` alone lists the targets. What a target needs and lacks, it says in a sentence.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo serve up down clean certs credentials users user-add user-remove db-password calculate load drill mail logs reload \
        rotate backup restore \
        test test-all unit integration e2e check audit coverage mutants format lock venv engine running \
        bench bench-clients bench-million bench-peers bench-profile

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPOSE := docker compose
# A terminal for `docker compose run`, where there is one.
TTY = $$([ -t 0 ] && [ -t 2 ] || echo -T)
# Containers that write on this machine's folders do it as their owner, in the group of the logs.
AS_OWNER = --user "$$(tools/owner secrets):10001"

FILE ?=
LINES ?= 20
FOLLOW ?=
LOGIN ?=
T ?=

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	     /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile

##@ Without Docker
demo: $(BIN)/.ready ## From a fresh clone to results and a caught alert e-mail; ends by itself
	@$(BIN)/python -m tools.demo

serve: $(BIN)/.ready secrets/client_credentials ## The API on SQLite at 127.0.0.1:8000 until Ctrl-C
	@mkdir -p var
	@DB_FILE=var/tax.sqlite $(BIN)/income-tax seed sqlite db/init
	@DB_FILE=var/tax.sqlite USERS_FILE=secrets/api/users STATE_DIR=var/state LOG_FILE=$${LOG_FILE:-var/logs/api/api.log} \
	 exec $(BIN)/income-tax sqlite

##@ The stack
up: engine ## Start or update everything: make up [DB=postgres|mysql] [REPLICAS=2] [HTTP_PORT=8080] [MAIL_PORT=8025] [TLS=on|off] [HTTPS_PORT=8443]
	@tools/remember .env DB '$(DB)' REPLICAS '$(REPLICAS)' HTTP_PORT '$(HTTP_PORT)' MAIL_PORT '$(MAIL_PORT)' \
	 TLS '$(TLS)' HTTPS_PORT '$(HTTPS_PORT)'
	@echo "building the images (a minute the first time) ..."
	@$(COMPOSE) --profile client build --quiet
	@$(MAKE) --silent --no-print-directory secrets/client_credentials
	@tools/up

down: engine ## Stop everything; the data, the mails and the logs stay
	@$(COMPOSE) --profile client --profile admin down --remove-orphans

clean: engine ## Stop everything and remove its data, mails, logs and images; secrets and .env stay
	@$(COMPOSE) --profile client --profile admin down --volumes --rmi local --remove-orphans

certs: engine ## A self-signed certificate for TLS=on in secrets/tls, unless there is one
	@tools/certs

credentials: secrets/client_credentials ## Print login:password of the client's account
	@cat secrets/client_credentials

users: engine ## List the users of the API
	@$(COMPOSE) run --rm --no-deps -T $(AS_OWNER) admin users list < /dev/null

user-add: engine secrets/client_credentials ## Add a user or change a password: make user-add LOGIN=alice (asks for it)
	@[ -n "$(LOGIN)" ] || { echo "make user-add needs a login: make user-add LOGIN=alice" >&2; exit 1; }
	@[ "$(LOGIN)" != "$$(cut -d: -f1 secrets/client_credentials)" ] || \
	 { echo "$(LOGIN) is the stack's own client: rm secrets/client_credentials, then make credentials" >&2; exit 1; }
	@$(COMPOSE) run --rm --no-deps $(TTY) $(AS_OWNER) admin users add "$(LOGIN)"

user-remove: engine ## Remove a user: make user-remove LOGIN=alice
	@[ -n "$(LOGIN)" ] || { echo "make user-remove needs a login: make user-remove LOGIN=alice" >&2; exit 1; }
	@$(COMPOSE) run --rm --no-deps -T $(AS_OWNER) admin users remove "$(LOGIN)" < /dev/null

db-password: running ## Give the database's accounts new passwords, without a pause
	@tools/db-password

calculate: running ## Calculate a taxpayers file: make calculate [FILE=the sample] [OUT=x.csv] [OPTIONS='--batch 1000']; see results/
	@tools/calculate

load: running ## Flood the API, every answer checked; a report in reports/: make load [REQUESTS=10000] [THREADS=32] [RATE=] [CLIENTS=1]
	@tools/load $(OPTIONS)

drill: running ## Provoke the alert (a start without database) and show the e-mail it caused
	@$(COMPOSE) run --rm --no-deps -T --entrypoint python api - < tools/drill.py

mail: running ## Show the last of the caught alert e-mails, newest last: make mail [LINES=20]
	@$(COMPOSE) exec -T api python - '$(LINES)' < tools/mail.py
	@echo "on the web: http://$$($(COMPOSE) port mailhog 8025)"

logs: running ## The last lines of every log: make logs [LINES=20] [FOLLOW=1]
	@$(COMPOSE) run --rm --no-deps -T --entrypoint sh rotate -c 'exec tail -n "$$1" $(if $(FOLLOW),-F) /logs/*/*.log' - '$(LINES)' < /dev/null

reload: running ## Take db/init/schedules.json in, on all replicas at once; bad figures are refused and the old ones kept
	@tools/reload --force < /dev/null

backup: running ## Write the tax data of the database to a file in backups/
	@mkdir -p backups
	@file=backups/schedules-$$(date -u +%Y%m%dT%H%M%SZ).json; \
	 $(COMPOSE) exec -T api sh -c 'python -m income_tax dump "$$DB"' < /dev/null > $$file && echo "$$file" || { rm -f $$file; exit 1; }

restore: running ## Put a backup's tax data in the database, and let all replicas take it in: make restore FILE=...
	@[ -r "$$FILE" ] || { echo "make restore needs a file of make backup: make restore FILE=backups/..." >&2; exit 1; }
	@tools/reload --figures - < "$$FILE"

rotate: running ## Set all logs aside now, whatever their size; no line of API, client or nginx's access log is lost
	@$(COMPOSE) exec -T rotate python -m income_tax rotate /logs --now < /dev/null

##@ Work on it
# Tests of a file stay together, and tests of a stack. More processes than cores: most tests wait.
PROCESSES ?= 6
STACKS ?= 3
PYTEST = $(BIN)/pytest --durations=25
BY_FILE = $(PYTEST) -n $(PROCESSES) --dist loadfile
BY_STACK = $(PYTEST) -n $(STACKS) --dist loadgroup --no-loadscope-reorder

test: $(BIN)/.ready ## Every claim once; those on containers when a Docker engine answers (REQUIRE_DOCKER=1: always)
	@$(BY_FILE) tests/unit tests/integration
	@$(BY_STACK) tests/e2e

test-all: ## Everything on both databases, each fault five times, long floods, all generated examples (half an hour)
	@$(MAKE) --no-print-directory test THOROUGH=1 REQUIRE_DOCKER=1

unit: $(BIN)/.ready ## Tests of the rules and of each part alone: make unit [T='-k brackets']
	@$(BY_FILE) tests/unit $(T)

integration: $(BIN)/.ready ## Tests with real gunicorn, SMTP, files, SQLite and Chromium
	@$(BY_FILE) tests/integration $(T)

e2e: $(BIN)/.ready ## Tests of the whole stack in containers; what concerns a database, with both
	@$(BY_STACK) tests/e2e $(T)

check: $(BIN)/.ready ## Lint Python, shell, Dockerfiles, the pages' scripts and the workflows; format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck $$(git grep -lE '^#(!.*[/ ](ba)?sh$$| shellcheck shell=)')
	$(BIN)/hadolint services/*/Dockerfile
	$(BIN)/oxlint services
	$(BIN)/zizmor --quiet --offline --pedantic --strict-collection .github

coverage: $(BIN)/.ready ## Unit and integration tests, and which lines and branches they reach, in every process; too few fail
	@$(BY_FILE) tests/unit tests/integration --cov --cov-report=term $(T)

# pip-audit has a virtual environment of its own: its packages are none of the project's.
AUDIT := tools/.audit
LOCKS := $(wildcard requirements.lock services/*/requirements.lock)
audit: $(AUDIT)/bin/pip-audit ## Look the locked packages up in the database of known vulnerabilities; one that it lacks is an error
	@$(AUDIT)/bin/pip-audit --require-hashes --disable-pip --strict $(addprefix --requirement ,$(LOCKS)) $(OPTIONS)

$(AUDIT)/bin/pip-audit: tools/audit.lock
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ # newer than the lock

mutants: $(BIN)/.ready ## Put small faults into rules, validation and retries, and see that the tests notice 95 % (half an hour) [T='name ...']
	@$(BIN)/python tools/mutants.py $(T)

format: $(BIN)/.ready ## Format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: $(BIN)/.ready engine ## The API beside bare servers and the tutorial's way, its refusals and failures; ends with a verdict (half an hour)
	@$(BIN)/python bench/logins.py
	@$(BIN)/python bench/alerts.py
	@$(BIN)/python bench/run.py

bench-clients: $(BIN)/.ready engine ## What the flood sends beside Locust and hey, a processor second each (2 minutes)
	@$(BIN)/python bench/clients.py

bench-peers: $(BIN)/.ready engine ## Beside OpenFisca's web API, which is installed for it (1 GB of memory), and bench-clients (4 minutes)
	@$(BIN)/python bench/peers.py
	@$(BIN)/python bench/clients.py

bench-profile: $(BIN)/.ready ## Where a request's time goes, by py-spy, beside a bare WSGI callable's (1 minute)
	@$(BIN)/python bench/profiling.py

bench-million: $(BIN)/.ready engine ## A million lines through the stack by both laws, each killed three times and resumed (4 minutes)
	@$(BIN)/python bench/million.py

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
lock: $(BIN)/.ready ## Renew the locked requirements
	@$(BIN)/pip install --quiet uv
	@$(LOCK) --upgrade services/api/pyproject.toml services/client/pyproject.toml --group dev --output-file requirements.lock
	@echo pip-audit | $(LOCK) --upgrade - --output-file tools/audit.lock
	@for s in api client; do \
	  $(LOCK) services/$$s/pyproject.toml --constraint requirements.lock --output-file services/$$s/requirements.lock; done

# The virtual environment, made anew when a lock changes, and when this folder was copied or moved: it names its own.
ifneq ($(shell cat $(BIN)/.ready 2>/dev/null),$(realpath .))
$(BIN)/.ready: FORCE
FORCE:
endif
$(BIN)/.ready: requirements.lock services/common/pyproject.toml services/api/pyproject.toml services/client/pyproject.toml
	@tools/venv '$(PYTHON)' '$(VENV)'

venv: $(BIN)/.ready

secrets/client_credentials:
	@tools/secrets '$(BIN)'

engine:
	@tools/engine

running: engine
	@[ -n "$$($(COMPOSE) ps --quiet --status running nginx)" ] || \
	 { echo "The stack is not running: start it with \`make up\`." >&2; exit 1; }
