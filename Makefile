# What a person types. Everything runs from .venv, which `make` creates when it is missing.
PYTHON ?= python3
BIN := .venv/bin
# Each worker, and each run that a test starts, would compile all of this anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: test test-unit test-hosts test-faults lint
.PHONY: demo demo-down hosts hosts-down

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# Each run keeps a junit file of each of its parts: what a test took, and what it cost. `make test-last` says it again.
RUNS := .bed/runs
ifndef RUN
RUN := $(RUNS)/$(shell date -u +%Y%m%d-%H%M%S)
endif
export RUN
KEEP = --junitxml $(RUN)/$@.xml

# The Debian that hosts are made of: bookworm or trixie.
BED_SUITE ?= bookworm
ifdef SUITE
BED_SUITE = $(SUITE)
endif
export BED_SUITE

# Tests against hosts wait more than they work, so there are more of them at a time than cores. Those of one file that is a
# story stay together, the longest stories first; all others fill the gaps.
WORKERS ?= 5
ON_HOSTS = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist load $(KEEP)

# Everything but the whole fault matrix, chaos, and most of the projects and attacks; of the matrix, and of what pauses
# workers, the most telling cases.
test: hosts-ahead test-unit test-on-hosts

# The hosts that the tests begin with are made while the unit tests run; whoever needs them before waits.
.PHONY: hosts-ahead
hosts-ahead: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(BIN)/python -m tests.prepared >.bed/prepared.log 2>&1 &

test-unit: .venv/.installed
	$(BIN)/python -m pytest --numprocesses auto $(KEEP) tests/unit

# In one session, so that no worker waits for the last test of a kind. The engine and the image are made first, so that
# what goes wrong there is said once.
.PHONY: test-on-hosts
test-on-hosts: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) $(ATTACKS) $(PROJECTS) $(PAUSING) $(addprefix --deselect ,$(ALIKE)) \
	    $(filter-out $(LATER),$(wildcard tests/hosts/test_*.py tests/faults/test_*.py))

# Of the first `make test` has nothing, for few hosts have a supervisord config of their own; nor of the second, of which
# test_gateway.py has the most telling; nor of the next two, which fetch packages to install Switchback; nor of the fifth,
# which takes Switchback off a host; nor of the next three, which have one run after the other for what it shows; of the
# last what loses rows.
LATER = $(addprefix tests/hosts/test_, \
	host_supervisord.py gateway_more.py own_repository.py ci.py remove.py screens.py demo_screens.py live_screen.py) \
	tests/faults/test_pausing.py
PAUSING = $(addprefix tests/faults/test_pausing.py::test_, \
	a_migration_that_fails_is_undone_by_the_backup_and_no_row_of_the_worker_s_is_lost \
	a_runner_that_is_killed_while_the_worker_ends_has_it_started_again_by_the_next)

# What is much like another one that stays: of several hosts that one fails while processes are replaced, for one does on
# one host, too; variables or secrets that alone make a version, as others do in tests/projects; what test_rolling and
# test_failing_versions both do; an id of digits, as of any other one.
ALIKE = $(addprefix tests/hosts/test_, \
	rolling_on_two_hosts.py::test_a_version_that_can_not_start \
	environment.py::test_a_changed_secret_alone \
	environment.py::test_variables_alone \
	rolling.py::test_a_version_that_is_not_well_is_taken_back_before_a_single_visitor_notices[bad-health \
	refs.py::test_a_short_id_of_digits_alone) \
	tests/faults/test_failing_versions.py::test_a_version_that_fails_leaves_the_site_as_it_was[bad-live

test-hosts: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) tests/hosts

# The last screen of a run of each tag of the sample and of the demo, compared with what is known of it; with
# WRITE_GOLDEN=1 written anew. And what a terminal shows meanwhile.
.PHONY: test-screens
test-screens: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) $(addprefix tests/hosts/test_,screens.py demo_screens.py live_screen.py)

# What differs between one Debian and the next: on trixie.
.PHONY: test-trixie
test-trixie: BED_SUITE = trixie
test-trixie: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) $(addprefix tests/hosts/test_,bare_host.py check.py deploy.py rolling.py) tests/faults/test_lost_runs.py

# Ordinary projects, generated and deployed as they are, each to a bare host and through the same story, and what they were
# like (docs/projects.md). `make test` has three, of those that take the fewest runs: what startproject makes, with SQLite
# and uploads; one that is asked for by https alone, with a login for a front page; two databases and a router, on
# PostgreSQL. What `wagtail start` asks for needs the Python of Debian 13.
PROJECTS = tests/projects/test_one_repository.py tests/projects/test_https_only.py \
	tests/projects/test_two_databases.py::test_both_databases_are_migrated_and_a_front_page_that_leads_elsewhere_is_well
WAGTAIL = $(addprefix tests/projects/test_,wagtail.py wagtail_start.py)
.PHONY: test-projects test-projects-alone test-wagtail
test-projects: .venv/.installed
	$(MAKE) --keep-going test-wagtail test-projects-alone; ended=$$?; \
	    $(BIN)/python -m tests.projects.record $(RUN) && exit $$ended

test-projects-alone: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) tests/projects $(addprefix --ignore=,$(WAGTAIL))

test-wagtail: BED_SUITE = trixie
test-wagtail: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) $(WAGTAIL)

# What an app, its repositories, or whoever answers for it may try. `make test` has the most telling of them.
ATTACKS = tests/attacks/test_on_a_host.py::test_what_is_laid_wherever_the_agent_looks_neither_holds_nor_leads_it \
	tests/attacks/test_starting.py::test_all_that_it_is_and_has_is_the_apps \
	tests/attacks/test_asking.py::test_whatever_comes_a_question_is_over_in_its_time
.PHONY: test-attacks
test-attacks: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) tests/attacks

# Faults of each kind, then every fault in every step, and the table of how each has ended.
test-faults: test-faults-alone test-matrix

.PHONY: test-faults-alone test-matrix test-chaos
test-faults-alone: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(ON_HOSTS) tests/faults --ignore tests/faults/test_matrix.py

test-matrix: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(BIN)/python -m tests.faults.matrix forget
	-SWITCHBACK_MATRIX=whole $(ON_HOSTS) tests/faults/test_matrix.py
	$(BIN)/python -m tests.faults.matrix

# Everything there is, and docs/test-run.md, which says how it went. Chaos has a bounded number of rounds.
.PHONY: test-all
test-all: .venv/.installed
	-$(MAKE) --keep-going test-unit test-attacks test-hosts test-projects test-faults-alone test-matrix test-chaos test-mutations
	-$(MAKE) test-failed SWITCHBACK_MATRIX=whole
	$(BIN)/python -m tests.record $(RUN) --write

# How the last run went, and which tests took longest.
.PHONY: test-last
test-last: .venv/.installed
	@$(BIN)/python -m tests.record $(lastword $(sort $(wildcard $(RUNS)/*)))

# What has failed, alone; a story from its beginning.
.PHONY: test-failed
test-failed: .venv/.installed
	mkdir -p $(RUN)
	$(BIN)/python -m tests.again >$(RUN)/again.txt
	if [ -s $(RUN)/again.txt ]; then $(ON_HOSTS) @$(RUN)/again.txt; else echo "nothing has failed"; fi

# What is decided by pure functions, broken in every small way, and how much of that their tests notice, by module. Of what
# is committed; it takes some minutes, and is ended after MUTATIONS_LIMIT seconds.
MUTATIONS = .bed/mutations
MUTATIONS_LIMIT ?= 1800
.PHONY: test-mutations
test-mutations: .venv/.installed
	rm -rf $(MUTATIONS) && mkdir -p $(MUTATIONS)
	git archive HEAD | tar --extract --directory $(MUTATIONS)
	find $(MUTATIONS) -xtype l -delete
	-cd $(MUTATIONS) && timeout $(MUTATIONS_LIMIT) $(CURDIR)/$(BIN)/mutmut run >run.log 2>&1
	@$(BIN)/python -m tests.mutations $(MUTATIONS) $(RUN)/mutations.json

# Deploys and reverts in a row, each hit at a random time in a random way.
ROUNDS ?= 100
SEED ?= 1
CHAOS_HOSTS ?= 3
test-chaos: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(BIN)/python -m tests.chaos --rounds $(ROUNDS) --seed $(SEED) --hosts $(CHAOS_HOSTS) $(KEEP)

# Three hosts, and a controller that is killed at a random moment of their commit.
TIMES_KILLED ?= 50
.PHONY: test-commit
test-commit: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(BIN)/python -m tests.chaos.commit --times $(TIMES_KILLED) --seed $(SEED)

# How long it takes to see what a deploy would do, near and far.
.PHONY: bench-preview
bench-preview: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(BIN)/python -m tests.bench.preview

# How long nobody is served, against the app's own stop and start; and until the old version is, against a script.
.PHONY: bench-outage
bench-outage: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(BIN)/python -m tests.bench.outage --times $(TIMES)

# Deploys compared with a script and over a long link, and many hosts: writes docs/performance.md. The machine should
# have nothing else to do; TIMES=1 is a quick look.
.PHONY: bench
TIMES ?= 5
bench: .venv/.installed
	$(BIN)/python -m tests.bed image
	$(BIN)/python -m tests.bench.deploys --times $(TIMES)

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

# The site's port is DEMO_PORT, 8800 unless told otherwise.
demo: .venv/.installed
	@$(BIN)/python -m tests.bed demo $(DEMO_PORT:%=--port %)

demo-down: .venv/.installed
	@$(BIN)/python -m tests.bed demo-down

# So many bare hosts, to try things on by hand.
N ?= 3
hosts: .venv/.installed
	@$(BIN)/python -m tests.bed hosts $(N)

hosts-down: .venv/.installed
	@$(BIN)/python -m tests.bed hosts-down
