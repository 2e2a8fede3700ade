# The recipes of Dragoman. `./justw <recipe>` needs nothing but Python; `just <recipe>` works where just is installed
# and .venv is made. Continuous integration and pre-commit call the same recipes.

set positional-arguments
set shell := ["bash", "-euo", "pipefail", "-c"]

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

# Lists the recipes.
[private]
default:
    @just --justfile "{{ justfile() }}" --list --unsorted

# Streams a recorded meeting through the whole system, translated live; shows captions, quality and latencies.
[group('run')]
demo *args:
    @dragoman demo "$@"

# Starts everything on this machine: Redis, API, all workers, both services. `--profile mock|cpu|gpu`.
[group('run')]
up *args:
    @dragoman up "$@"

# Shows a running installation live: workers, sessions, streams, bots, anomalies.
[group('run')]
top *args:
    @dragoman top "$@"

# Says what is missing on this machine and how to get it.
[group('run')]
doctor *args:
    @dragoman doctor "$@"

# Makes .env.local from env.template; keeps an existing one unless --force is given.
[group('run')]
bootstrap-env *args:
    @dragoman config bootstrap "$@"

# Runs all tests, four files at a time (most of them wait), the slow ones first; arguments go to pytest.
[group('test')]
test *args:
    pytest -n 4 --dist loadfile --no-loadscope-reorder "$@"

# Runs the unit and contract tests only: no process is started.
[group('test')]
test-unit *args:
    pytest tests/unit "$@"

# Kills, freezes and cuts the processes of a whole system for minutes, at random: `--seed`, `--sessions`, `--json`.
[group('test')]
chaos *args:
    @python -m tests.chaos "$@"

# Runs a whole system for an hour with sessions that come and go; prints the slope of all that could grow.
[group('test')]
soak *args:
    @python -m tests.chaos --soak "$@"

# Runs all tests with branch coverage and prints the table.
[group('test')]
coverage *args:
    pytest --cov --cov-branch --cov-report=term-missing:skip-covered "$@"

# Checks format, lint, types and the rules of who may import whom.
[group('quality')]
check: check-format check-lint check-types check-imports

# Checks that the code is formatted.
[group('quality')]
check-format:
    ruff format --check modules tests bench observability justw
    just --justfile "{{ justfile() }}" --fmt --check --unstable

# Checks the lint rules.
[group('quality')]
check-lint:
    ruff check modules tests bench observability justw

# Checks the types, strictly.
[group('quality')]
check-types:
    mypy

# Checks the floors: contracts, runtime, orchestration and services.
[group('quality')]
check-imports:
    lint-imports

# Formats the code and mends what lint can mend.
[group('quality')]
fmt:
    ruff check --fix-only modules tests bench observability justw
    ruff format modules tests bench observability justw
    just --justfile "{{ justfile() }}" --fmt --unstable

# Writes env.template anew from the settings classes.
[group('quality')]
env-template:
    dragoman config template > env.template.new
    mv env.template.new env.template

# Writes dashboards, rules and the chart's copies of both anew.
[group('quality')]
observability-export:
    python -m observability.export

# What continuous integration runs: the checks, then all tests.
[group('quality')]
ci: check web-check test web-test

# Not `npm ci`: it refuses a lock that was made where a mirror had not every platform's binaries.

# Installs what the live page is built with, as locked; needs Node 20.19 or newer.
[group('web')]
web-install:
    cd modules/web && npm install --no-save --no-audit --no-fund --loglevel error

# Builds the live page into the API's static folder; the build is part of the repository.
[group('web')]
web-build:
    mkdir -p .cache && exec flock .cache/web-build.lock modules/web/build-page

# Serves the live page with hot reload, before a running API (DRAGOMAN_CLIENT_SERVER).
[group('web')]
web-dev *args:
    cd modules/web && npx --no-install vite "$@"

# Checks format, lint, types and unused code of the live page and of @dragoman/client.
[group('web')]
web-check:
    cd modules/web && npm run --silent check

# Tests the logic of the live page and of @dragoman/client; its browser tests are part of `just test`.
[group('web')]
web-test *args:
    cd modules/web && npx --no-install vitest run "$@"

# Makes the TypeScript types anew from the API's own documents.
[group('web')]
web-types:
    cd modules/web && npm run --silent types

# Formats the live page and mends what lint can mend.
[group('web')]
web-fmt:
    cd modules/web && npm run --silent fmt

# Word error rate, latencies and erasure against offline, on real speech; `--json` for machines.
[group('bench')]
bench-quality *args:
    @python -m bench.quality "$@"

# What the system adds to the engine's time, on the mock engine.
[group('bench')]
bench-overhead *args:
    @python -m bench.overhead "$@"

# How many live sessions this machine holds, on the mock engine.
[group('bench')]
bench-sessions *args:
    @python -m bench.sessions "$@"

# Publish and consume beside raw redis-py and FastStream.
[group('bench')]
bench-bus *args:
    @python -m bench.bus "$@"

# How soon a change of the runtime configuration is in force everywhere, while people speak.
[group('bench')]
bench-config *args:
    @python -m bench.config "$@"

# What live translation adds by engine and load, what batching gains, and what a viewer costs; `--quick`.
[group('bench')]
bench-translation *args:
    @python -m bench.translation "$@"

# What traces, logs and metrics cost the audio path.
[group('bench')]
bench-telemetry *args:
    @python -m bench.telemetry "$@"

# The live page in Chromium: word spoken to word painted, p50 and p95; `--json`.
[group('bench')]
bench-web-latency *args:
    @python -m bench.web_latency "$@"

# The live page under 500 finals and 20 partials a second: frames, long tasks, memory; `--json`.
[group('bench')]
bench-web *args:
    @python -m bench.web_captions "$@"

# Starts everything in containers; profiles by COMPOSE_PROFILES in .env.local: cpu, mock, gpu, web, observability.
[group('compose')]
compose-up *args:
    docker/compose up "$@"

# Ends the containers; what is in volumes stays.
[group('compose')]
compose-down *args:
    docker/compose down "$@"

# What the containers say; `-f` follows.
[group('compose')]
compose-logs *args:
    docker/compose logs "$@"

# Which containers run, and whether they are well.
[group('compose')]
compose-ps *args:
    docker/compose ps "$@"

# Builds the images, brings the containers up and lets a client have its captions; as root on Debian.
[group('compose')]
compose-test *args:
    docker/compose-test "$@" || [[ $? -eq 77 ]]

# Writes the images' locked requirements anew.
[group('compose')]
compose-lock *args:
    docker/lock "$@"

# Builds Helm into .cache/bin, if it is not there; needs Go.
[group('helm')]
helm-install:
    helm/install-helm

# Brings the chart's copies of dashboards, rules and nginx.conf up to date; `--check`.
[group('helm')]
helm-sync *args:
    helm/sync-files "$@"

# Lints the chart with every set of values.
[group('helm')]
helm-lint: helm-install
    for values in helm/dragoman/ci/*.yaml; do .cache/bin/helm lint --strict helm/dragoman --values "$values"; done

# Renders the chart with every set of values and tests what comes out.
[group('helm')]
helm-test *args: helm-install
    HELM_TEST=1 pytest -n 2 tests/unit/helm "$@"

# Removes caches and build results; keeps .venv and .env.local.
[group('quality')]
clean:
    rm -rf dist build htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
    find modules tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
