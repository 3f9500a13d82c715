# The front door; what each of these does is in tools/.
.DEFAULT_GOAL := help
.PHONY: help setup demo check test lab-up lab-down bench site docs pins clean

HOUSE ?= inventory/demo
ARGS ?=

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## install what the other commands need (they do it themselves)
	@tools/setup

demo: setup ## a household in a box, ending with a torrent fetched through the tunnel
	@tools/run python tools/demo.py

check: setup ## lint, types and unit tests: the inner loop
	@tools/run tools/check

test: setup ## every check, on fresh simulated Pis; CI runs this
	@tools/run tools/test

lab-up: setup ## build the lab without running the playbook
	@tools/run python tests/lab up

lab-down: setup ## remove every trace of the lab
	@tools/run python tests/lab down

bench: lab-up ## measure an unchanged re-run in the lab
	@tools/run tools/site inventory/demo
	@tools/run python tools/bench.py

site: setup ## run the playbook on a household: HOUSE=inventory/<household> ARGS=...
	@tools/run tools/site $(HOUSE) $(ARGS)

docs: setup ## write the roles' READMEs from their argument specs
	@tools/run python tools/role_readme.py

pins: setup ## pin the tools anew from requirements.in
	@tools/run tools/pins

clean: lab-down ## remove the lab, and everything else that was made here
	@rm -rf build .venv
