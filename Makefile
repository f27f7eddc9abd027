# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target sets up what it needs by itself: Debian packages (as root, or through sudo) and virtual environments
# in .venvs, made of the Python named by PYTHON=... or else of the first fit one on the PATH.

CORES := 2.16 2.17 2.18 2.19
OLDEST := $(firstword $(CORES))
NEWEST := $(lastword $(CORES))
# These need Python 3.12 or newer: they run in the lab's root of Debian 13 (tests/lab/lab.mk).
CORES_13 := 2.20 2.21
NEWEST_13 := $(lastword $(CORES_13))
# Each of these has the templating and the modules of its neighbours: only `make test-full` runs the tests on them.
BETWEEN := 2.17 2.18 2.20
PACKAGES := git haproxy python3 python3-venv
ifneq ($(filter-out demo demo-clean dist docs site,$(MAKECMDGOALS)),)
PACKAGES += chromium dnsmasq-base fonts-dejavu-core fonts-inter iproute2 mmdebstrap openssh-client openssl postgresql-client \
	prometheus shellcheck systemd-container
# Node.js of another origin than Debian brings its own npm, and excludes Debian's.
PACKAGES += $(if $(shell command -v npm),,npm)
endif

# The caller's folder, locale and settings of Ansible, pytest or Python must not change what happens here.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
override ROOT := $(patsubst %/,%,$(dir $(realpath $(lastword $(MAKEFILE_LIST)))))
ifneq ($(ROOT),$(CURDIR))
$(error run make in $(ROOT), or as make -C $(ROOT))
endif
export LC_ALL := C.UTF-8
export ANSIBLE_COLLECTIONS_PATH := $(ROOT)/.build
export ANSIBLE_CONFIG := $(ROOT)/tests/ansible.cfg
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# What `time` says of each part of the tests.
export TIMEFORMAT := == took %0R s, and %0U + %0S s of a processor
unexport $(filter-out PYTHON ANSIBLE_COLLECTIONS_PATH ANSIBLE_CONFIG,$(filter ANSIBLE_% MOLECULE_% MYPY% PYTEST_% PYTHON%,$(.VARIABLES)))

FIT := import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))
PYTHON ?= $(shell for p in python3.11 python3 /usr/bin/python3; do \
	if $$p -c '$(FIT)' 2>/dev/null; then echo $$p; break; fi; done)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
COLLECTION := .build/ansible_collections/pgsvc/access
STEPS = $(MAKE) --no-print-directory

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

##### trying it

.PHONY: demo demo-clean
demo: .venvs/core-$(NEWEST)/.ready $(COLLECTION) ## run the sandbox: real HAProxy processes on loopback, published twice
	@PATH="$(ROOT)/$(<D)/bin:$$PATH" examples/sandbox/demo up

demo-clean: ## stop the sandbox and remove its folder
	@PATH="$(ROOT)/.venvs/core-$(NEWEST)/bin:$$PATH" examples/sandbox/demo down

##### proving it

# `make test` shows each promise once. What is marked `full` (pyproject.toml) are long series and further combinations:
# `make test-full` runs them, and everything on every ansible-core.
FULL :=
SELECTED := $(if $(FULL),,-m 'not full')
# What starts processes and waits for them: HAProxy under load, and the demo. The same whatever Ansible sends it: once.
ALONE := $(addprefix tests/integration/,demo hitless hold live member monitoring publish runtime staying switchover tutorials unit_config)
# Only the environment of the newest ansible-core has the browser's driver.
BROWSER := tests/integration/browser
WITH_ANSIBLE := tests/unit $(filter-out $(ALONE),$(wildcard tests/integration/*)) \
	$(addprefix tests/integration/,demo/test_role_haproxy.py publish/test_ansible.py)
# On the older releases of ansible-core, what depends on Ansible; only the files that have such a test are read.
SELECTED_OLD = $(if $(FULL),$(WITH_ANSIBLE),-m 'every_core and not full' \
	$(shell grep -rl --include='test_*.py' 'mark\.every_core' $(WITH_ANSIBLE)))

# The lab's machines wait for one another half of the time, and HAProxy for its checks: what waits for nothing runs beside
# them and gives way to them (BESIDE). It would wait too long beside both: what has time limits of its own begins when the
# tests of HAProxy are through (AFTER).
BESIDE :=
AFTER :=

.PHONY: test test-full test-fast test-alone haproxies lint sanity root
test: root packages ## everything once: four releases of ansible-core, HAProxy under load, the lab of real machines (root)
	@$(STEPS) lab-down # of a run that failed, whose lab was left as it was
	@$(STEPS) --jobs=4 --output-sync=target BESIDE=tests/beside AFTER=test-alone SCENARIO=$(if $(FULL),,default) END=yes \
		test-lab test-alone lint sanity molecule suite-$(NEWEST) \
		$(patsubst %,suite-%,$(filter-out $(if $(FULL),,$(BETWEEN)),$(CORES) $(CORES_13)))

test-full: ## the same with the long series and with every combination, as before a release (root)
	@$(STEPS) test FULL=1

root:
	@[ "$$(id -u)" = 0 ] || { echo "make test boots a lab of real machines, which takes root: sudo make test" >&2; exit 1; }

test-fast: ## in three minutes: ruff, mypy, and the newest ansible-core without demo, lab and load
	@$(STEPS) lint-python suite-$(NEWEST) WITH_ANSIBLE="$(filter-out %/galaxy %/test_ansible.py,$(WITH_ANSIBLE))"

haproxies: .venvs/core-$(NEWEST)/.ready
	@echo "== HAProxy of other releases"
	@time $(<D)/bin/python tests/support/debian.py

suite-%: .venvs/core-%/.ready $(COLLECTION) | haproxies $(AFTER)
	@echo "== unit and integration tests, ansible-core $*"
	@time $(BESIDE) .venvs/core-$*/bin/python -m pytest --quiet --numprocesses=2 --dist=loadgroup --durations=5 \
		$(if $(filter $(NEWEST),$*),$(SELECTED) $(WITH_ANSIBLE),$(SELECTED_OLD))

test-alone: .venvs/core-$(NEWEST)/.ready $(COLLECTION) | haproxies
	@echo "== HAProxy under load"
	@time $(<D)/bin/python -m pytest --quiet --numprocesses=3 --dist=worksteal --durations=5 $(SELECTED) $(ALONE) \
		$(patsubst %,--ignore=%,$(filter %.py,$(WITH_ANSIBLE)))

lint: lint-python lint-ansible lint-galaxy site ## ruff, mypy, shellcheck, promtool, ansible-lint, documentation, fragments, licences

.PHONY: lint-python lint-ansible lint-galaxy
lint-python: .venvs/lint/.ready $(COLLECTION)
	@echo "== ruff, mypy, shellcheck, promtool"
	@.venvs/lint/bin/ruff check --quiet
	@.venvs/lint/bin/ruff format --check --quiet
	@time $(BESIDE) .venvs/lint/bin/mypy -p ansible_collections.pgsvc.access
	@MYPYPATH=.build:tests/lab .venvs/lint/bin/mypy tests/lab
	@grep -lrE --exclude-dir='.[bgv]*' '^#!.*\bbash$$' . | xargs shellcheck
	@promtool check rules --lint-fatal files/prometheus/*.rules.yml >/dev/null

lint-ansible: .venvs/lint/.ready $(COLLECTION)
	@echo "== ansible-lint"
	@export PATH="$(ROOT)/.venvs/lint/bin:$$PATH"; time $(BESIDE) .venvs/lint/bin/ansible-lint --nocolor

# reuse asks git for the project's files, which git refuses in another user's checkout unless safe.directory names it.
lint-galaxy: .venvs/lint/.ready .venvs/ee/.ready $(COLLECTION)
	@echo "== documentation of plugins and roles, changelog fragments, execution environments, licences"
	@export PATH="$(ROOT)/.venvs/lint/bin:$$PATH"; time $(BESIDE) .venvs/lint/bin/antsibull-docs lint-collection-docs --plugin-docs .
	@.venvs/lint/bin/antsibull-changelog lint
	@.venvs/ee/bin/python tests/static/execution_environment.py .build/ee
	@if [ -e .venvs/lint/bin/reuse ]; then \
		GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' .venvs/lint/bin/reuse lint --lines; \
	else \
		echo "licences were not checked: reuse is for Python 3.11 on x86-64 only (tests/requirements/lint.in)"; \
	fi

# From the files as they are: `make docs` first writes those that are made. Nothing is fetched from other hosts.
.PHONY: site
site: .venvs/docs/.ready $(COLLECTION)
	@echo "== documentation site"
	@rm -rf .build/docs .build/docs-source
	@export PATH="$(ROOT)/$(<D)/bin:$$PATH"; time { $(BESIDE) python docs/site/sources.py .build/docs-source && \
		$(BESIDE) sphinx-build --quiet --fail-on-warning --keep-going -c docs/site .build/docs-source .build/docs && \
		python docs/site/links.py .build/docs; }

sanity: sanity-$(NEWEST) $(if $(FULL),sanity-$(OLDEST) sanity-$(NEWEST_13)) ## ansible-test sanity (FULL=1: oldest, newest)

sanity-%: .venvs/core-%/.ready
	@echo "== ansible-test sanity, ansible-core $*"
	@time $(BESIDE) .venvs/core-$*/bin/python tests/static/sanity.py .build/sanity-$*

-include tests/lab/lab.mk

##### measuring it, shipping it

.PHONY: docs screenshots changelog benchmark reliability dist requirements
docs: .venvs/docs/.ready $(COLLECTION) ## write the reference of variables and the pictures, and build the documentation site
	@$(<D)/bin/python docs/variables.py
	@PYTHONPATH=.build $(<D)/bin/python docs/pictures/paths.py
	@PYTHONPATH=.build $(<D)/bin/python docs/pictures/roles.py
	@$(STEPS) site
	@echo "the documentation site: $(ROOT)/.build/docs/index.html"

screenshots: .venvs/core-$(NEWEST)/.ready $(COLLECTION) ## take the screenshots of the documentation with Chromium
	@PGSVC_TAKE_SCREENSHOTS=yes $(<D)/bin/python -m pytest --quiet $(BROWSER)/test_pictures.py

changelog: .venvs/lint/.ready ## write CHANGELOG.rst from the fragments (DATE=2026-01-31: of the release)
	@$(<D)/bin/python tests/static/changelog.py $(DATE)

PARTS :=
QUICK :=
benchmark: .venvs/core-$(NEWEST)/.ready $(COLLECTION) ## measure, all or PARTS="running one", into docs/performance.md
	@PYTHONPATH=.build $(<D)/bin/python tests/benchmark/run.py $(if $(QUICK),--quick,--keep) $(PARTS)

reliability: .venvs/core-$(NEWEST)/.ready $(COLLECTION) ## measure the effect of changes on clients, into docs/reliability.md
	@PYTHONPATH=.build $(<D)/bin/python tests/benchmark/reliability.py --keep
	@PYTHONPATH=.build $(<D)/bin/python tests/benchmark/staying.py --keep
	@PYTHONPATH=.build $(<D)/bin/python tests/benchmark/hold.py --keep

dist: .venvs/core-$(NEWEST)/.ready ## build the tarball that ansible-galaxy installs
	@$(<D)/bin/ansible-galaxy collection build --force --output-path .build

# First what this Makefile installs; ansible-test's lists then come out of the ansible-core that they name.
PIN = tests/requirements/pin $(ROOT)/.venvs/uv/bin/uv
requirements: .venvs/uv/.ready ## pin what the tests install, as tests/requirements/*.in say (UPGRADE=1: the newest)
	@for list in $(CORES:%=core-%) docs ee lab lint uv; do $(PIN) $$list 3.11 $(if $(UPGRADE),--upgrade); done
	@for list in $(CORES_13:%=core-%); do $(PIN) $$list 3.13 $(if $(UPGRADE),--upgrade); done
	@$(STEPS) pin-sanity-$(OLDEST) pin-sanity-$(NEWEST) pin-sanity-$(NEWEST_13)

pin-sanity-%: .venvs/core-%/.ready
	@$(PYTHON) tests/static/sanity_pins.py $(<D) | $(PIN) sanity-$* $(if $(filter $(CORES_13),$*),3.13,3.11) --input - --no-deps --no-annotate

##### what all of it stands on

.PHONY: packages clean distclean
packages:
	@missing=$$(for p in $(PACKAGES); do \
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		echo "installing" $$missing; \
		$(SUDO) apt-get update -qq; \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	fi

.PRECIOUS: .venvs/%/.ready
.venvs/%/.ready: tests/requirements/%.txt | packages
	@echo "making the environment $*"
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or 3.12 with venv is needed: apt-get install python3-venv" >&2; exit 1; }
	@rm -rf $(@D)
	@$(if $(filter lab core-$(NEWEST),$*),,$(BESIDE)) $(PYTHON) -m venv $(@D)
	@time $(if $(filter lab core-$(NEWEST),$*),,$(BESIDE)) $(@D)/bin/python -m pip install -qq --disable-pip-version-check --no-input \
		--require-hashes --only-binary=:all: $(if $(filter docs ee lint,$*),--no-compile) -r $<
	@touch $@

$(COLLECTION):
	@mkdir -p $(@D)
	@ln -sfn ../../.. $@

clean: ## remove what was built and cached
	@rm -rf .build .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache

distclean: clean ## remove the virtual environments, too
	@rm -rf .venvs
