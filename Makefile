# The front door; what each of these does is in tools/.
.DEFAULT_GOAL := help
.PHONY: help tools lab demo check sanity mutants test daemons leak-test faults lab-up lab-down bench site verify docs pins clean

HOUSE ?=
ARGS ?=

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

tools: ## install the pinned tools that a controller needs; the other commands do so by themselves
	@tools/setup tools

lab: # system packages and Docker, which the lab needs in addition
	@tools/setup lab

demo: lab ## a household in a box, ending with a torrent fetched through the tunnel
	@tools/run python tools/demo.py

check: tools ## lint, types and unit tests: the inner loop
	@tools/run tools/check

sanity: tools ## ansible-test's sanity tests, none ignored: ARGS="--test pylint"
	@tools/run python tools/sanity.py $(ARGS)

mutants: tools ## remove each rule of the barriers in turn; some test must notice (as root)
	@tools/run python tools/mutants.py

test: lab ## every check, on fresh simulated Pis; CI runs this
	@tools/run tools/test

leak-test: lab ## the whole leak matrix, into build/reports/leaks.json; ARGS=--last-failed repeats what failed
	@tools/run python tools/leak_test.py $(ARGS)

faults: lab ## the long fault matrix, into build/reports/faults.xml; ARGS="-k members" narrows it
	@tools/run python tools/faults.py $(ARGS)

daemons: lab ## the Transmission module against the daemons that Debian packages (as root)
	@tools/run python tools/daemons.py
	@tools/run pytest -rs tests/daemons $(ARGS)

lab-up: lab ## build the lab without running the playbook
	@tools/run python tests/lab up

lab-down: tools ## remove every trace of the lab
	@tools/run python tests/lab down

bench: lab-up ## measure an unchanged re-run, the tunnel, the monitor and recovery in the lab
	@tools/run tools/bench

site: tools ## run the playbook on a household: HOUSE=inventory/<household> ARGS="--ask-vault-pass --check"
	@tools/run tools/site "$(HOUSE)" site $(ARGS)

verify: tools ## test a running household for leaks: HOUSE=inventory/<household> ARGS=--ask-vault-pass
	@tools/run tools/site "$(HOUSE)" verify $(ARGS)

docs: tools ## write the roles' READMEs and the table of Transmission's settings from what they describe
	@tools/run python tools/role_readme.py
	@tools/run python tools/settings_table.py

pins: tools ## pin the tools again, from requirements.in
	@tools/run tools/pins

clean: lab-down ## remove the lab, and everything else that was made here
	@rm -rf build .venv
