# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The lab of real machines: docs/lab.md. Included by the collection's Makefile.

LAB_PYTHON := .venvs/lab/bin/python
LAB := $(LAB_PYTHON) tests/lab/lab.py
# Of Molecule; empty: all.
SCENARIO :=
# The tests run on so many labs at once, each file of tests on one of them.
LABS := 2
# Whether the labs are removed as soon as the tests have passed.
END :=
LAB_TARGETS := lab lab-down lab-reset lab-shell lab-status test-lab presets switchovers molecule

##### the newest releases of ansible-core, on the Python of the lab's Debian 13

$(CORES_13:%=.venvs/core-%/.ready): .venvs/core-%/.ready: tests/requirements/core-%.txt .venvs/lab/.ready
	@echo "making the environment core-$*"
	@$(LAB) environment core-$*
	@touch $@

$(CORES_13:%=suite-%): suite-%: .venvs/core-%/.ready $(COLLECTION) | haproxies $(AFTER)
	@echo "== unit and integration tests, ansible-core $*, in Debian 13"
	@time $(BESIDE) $(LAB) in-root .venvs/core-$*/bin/python -m pytest --quiet --numprocesses=2 --dist=loadgroup \
		--durations=5 $(SELECTED_OLD)

$(CORES_13:%=sanity-%): sanity-%: .venvs/core-%/.ready
	@echo "== ansible-test sanity, ansible-core $*, in Debian 13"
	@$(LAB) wheels core-$*
	@time $(BESIDE) $(LAB) in-root .venvs/core-$*/bin/python tests/static/sanity.py .build/sanity-$*

##### the lab

.PHONY: $(LAB_TARGETS)
$(LAB_TARGETS): .venvs/lab/.ready $(COLLECTION)

lab test-lab presets: $(NEWEST_13:%=.venvs/core-%/.ready)

lab: ## boot the lab of real machines and set it up (root)
	@$(LAB) up

lab-down: ## remove the lab
	@$(LAB) down

lab-reset: ## restart the lab with new disks
	@$(LAB) reset

lab-shell: ## open a shell inside the lab
	@$(LAB) shell

lab-status: ## show which nodes of the lab are running
	@$(LAB) status

test-lab: ## the tests on two labs (LABS=1: one), which are brought up when they are not
	@echo "== tests on the lab"
	@$(if $(FULL),$(LAB) roots,:) # with that of the node that only the tests marked full boot
	@time $(LAB_PYTHON) -m pytest --quiet --numprocesses=$(LABS) --dist=loadfile --no-loadscope-reorder --durations=10 \
		$(SELECTED) tests/lab
	@$(if $(END),$(LAB) down,:)

presets: ## measure failovers with each preset of pg_rto on the lab, into docs/reliability.md
	@PYTHONPATH=.build $(LAB_PYTHON) tests/lab/presets.py --keep

switchovers: ## measure switchovers from one command and with patronictl on the lab, into docs/switchover.md
	@PYTHONPATH=.build $(LAB_PYTHON) tests/lab/switchovers.py --keep

molecule: | $(AFTER)
molecule: ## Molecule's scenarios on a lab of their own, all or SCENARIO=default
	@export PATH="$(ROOT)/.venvs/lab/bin:$$PATH"; time $(BESIDE) .venvs/lab/bin/molecule test \
		$(if $(SCENARIO),--scenario-name=$(SCENARIO),--all)
