# The commands of this project; their programs are in tools/.
.DEFAULT_GOAL := help
.PHONY: help tools lab demo check sanity mutants test daemons leak-test faults lab-up lab-down bench site verify backup restore restore-inventory docs pins clean

HOUSE ?=
ARGS ?=

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

tools: ## install the pinned tools that a controller needs; the other commands run this first
	@tools/setup tools

lab: # install the system packages and Docker that the lab needs
	@tools/setup lab

demo: lab ## set up a simulated household, and download a torrent through its tunnel
	@tools/run python tools/demo.py

check: tools ## lint, types and unit tests
	@tools/run tools/check

sanity: tools ## ansible-test's sanity tests: ARGS="--test pylint" runs one of them
	@tools/run python tools/sanity.py $(ARGS)

mutants: tools ## remove each rule of the barriers in turn; a test must fail each time (as root)
	@tools/run python tools/mutants.py

test: lab ## every check, on fresh simulated Pis; CI runs this
	@tools/run tools/test

leak-test: lab ## the whole leak matrix; report in build/reports/leaks.json; ARGS=--last-failed repeats failed tests
	@tools/run python tools/leak_test.py $(ARGS)

faults: lab ## the long fault matrix; report in build/reports/faults.xml; ARGS="-k members" selects tests
	@tools/run python tools/faults.py $(ARGS)

daemons: lab ## test the Transmission module with each of Debian's versions of the daemon (as root)
	@tools/run python tools/daemons.py
	@tools/run pytest -rs tests/daemons $(ARGS)

lab-up: lab ## build the lab without running the playbook
	@tools/run python tests/lab up

lab-down: tools ## remove the lab
	@tools/run python tests/lab down

bench: lab-up ## measure an unchanged re-run, the import, the tunnel, vpn-monitor and recovery in the lab
	@tools/run tools/bench

site: tools ## run the playbook on a household: HOUSE=inventory/<household> ARGS="--ask-vault-pass --check"
	@tools/run tools/site "$(HOUSE)" site $(ARGS)

verify: tools ## test a running household for leaks: HOUSE=inventory/<household> ARGS=--ask-vault-pass
	@tools/run tools/site "$(HOUSE)" verify $(ARGS)

backup: tools ## make a backup of a household now: HOUSE=inventory/<household> ARGS=--ask-vault-pass
	@tools/run tools/site "$(HOUSE)" backup $(ARGS)

restore: tools ## restore a household onto a blank Pi: HOUSE=inventory/<household> ARGS=--ask-vault-pass
	@tools/run tools/site "$(HOUSE)" restore $(ARGS)

restore-inventory: tools ## bring a lost inventory out of the backup: PI=<address> HOUSE=inventory/<household> ARGS="--user <account>"
	@tools/run ansible-playbook --inventory "$(PI)," --extra-vars "restore_to=$(abspath $(HOUSE))" $(ARGS) playbooks/restore_inventory.yml

docs: tools ## write what follows from the sources: READMEs of roles, Transmission's settings, Jellyfin's users, the command, status.json, the filter of Docker's socket
	@tools/run python tools/user_fields.py
	@tools/run python tools/role_readme.py
	@tools/run python tools/settings_table.py
	@tools/run python tools/command_reference.py
	@tools/run python tools/status_schema.py
	@tools/run python tools/docker_filter.py

pins: tools ## pin the tools of requirements.in again
	@tools/run tools/pins

clean: lab-down ## remove the lab, build/ and .venv
	@rm -rf build .venv
