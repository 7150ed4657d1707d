# SPDX-License-Identifier: GPL-2.0-or-later
# Only wraps meson.build, which is the real build. Each target does all the set-up that it needs.

BUILD ?= build
ASAN_BUILD ?= build-asan
FUZZ_BUILD ?= build-fuzz
COVERAGE_BUILD ?= build-coverage
# Of each target.
FUZZ_SECONDS ?= 60
# SETUP=true skips the installation of packages.
SETUP ?= scripts/setup

# The suites that need the network or a quiet machine have their own targets.
DEFAULT_SUITES = --no-suite thirdparty --no-suite bench
MESON_TEST = meson test --print-errorlogs
# Its fake stacks belong to a host thread, and a blocked fiber may go on in another one.
ASAN_ENV = ASAN_OPTIONS=detect_stack_use_after_return=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

.PHONY: help setup configure build demo test test-thirdparty bench build-asan asan build-fuzz fuzz \
  golden golden-rebase configure-coverage coverage clean

help:
	@echo 'make demo             build, then trace the debug events of a sample program'
	@echo 'make test             build, then run the tests'
	@echo 'make test-thirdparty  run the tests that fetch programs made by others'
	@echo 'make golden           compare the traces of the samples with the stored ones'
	@echo 'make golden-rebase    store them anew, and show what changed'
	@echo 'make bench            measure speed'
	@echo 'make asan             run the tests under AddressSanitizer and UBSan'
	@echo 'make coverage         branch coverage of exception dispatch (needs gcovr)'
	@echo 'make fuzz             run the fuzz targets for FUZZ_SECONDS each (needs clang)'
	@echo 'make clean            remove the build directories'

setup:
	@$(SETUP)

configure: setup
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)

build: configure
	@ninja -C $(BUILD)

demo: configure
	@ninja -C $(BUILD) src/cli/dbgksim
	@scripts/demo breakpoint $(BUILD)

test: build
	@$(MESON_TEST) -C $(BUILD) $(DEFAULT_SUITES)

test-thirdparty: build
	@$(MESON_TEST) -C $(BUILD) --suite thirdparty

golden golden-rebase: configure
	@ninja -C $(BUILD) src/cli/dbgksim
	@tests/golden/golden.py $(if $(filter golden,$@),check,rebase) $(BUILD)/src/cli/dbgksim

bench: build
	@meson test -C $(BUILD) --benchmark --verbose

# Warnings are errors in the plain build; the sanitizers' extra code makes gcc guess wrongly.
build-asan: setup
	@test -f $(ASAN_BUILD)/build.ninja || \
	  meson setup $(ASAN_BUILD) -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false
	@ninja -C $(ASAN_BUILD)

asan: build-asan
	@$(ASAN_ENV) $(MESON_TEST) -C $(ASAN_BUILD) --timeout-multiplier 5 $(DEFAULT_SUITES)

# docs/fuzzing.md
build-fuzz: setup
	@test -f $(FUZZ_BUILD)/build.ninja || CC=clang CXX=clang++ \
	  meson setup $(FUZZ_BUILD) -Dfuzz=libfuzzer -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false
	@ninja -C $(FUZZ_BUILD) fuzz-targets

fuzz: build-fuzz
	@scripts/fuzz $(FUZZ_BUILD) $(FUZZ_SECONDS)

# Without optimisation: each branch of the source is one of the program.
configure-coverage: setup
	@test -f $(COVERAGE_BUILD)/build.ninja || \
	  meson setup $(COVERAGE_BUILD) -Db_coverage=true -Db_lundef=false -Dwerror=false --optimization=0

# Branches that the tests of exception dispatch take, of the files that COVERED names; docs/interrupts.md. Only what
# these tests need is built.
COVERED = src/ntos/trap src/dbgk/forward.c src/dbgk/error_port.c
COVERAGE_TESTS = trap dbgk api era guest_programs guest_events kernel_debugger anti_debug hard_errors \
  'strace monitor' 'strace arguments' 'strace hostile'
COVERAGE_MINIMUM ?= 95
coverage: configure-coverage
	@find $(COVERAGE_BUILD) -name '*.gcda' -delete
	@$(MESON_TEST) -C $(COVERAGE_BUILD) --timeout-multiplier 5 $(COVERAGE_TESTS)
	@gcovr --root . $(addprefix --filter ,$(COVERED)) --branches --fail-under-branch $(COVERAGE_MINIMUM) \
	  $(COVERAGE_BUILD)

clean:
	rm -rf $(BUILD) $(ASAN_BUILD) $(FUZZ_BUILD) $(COVERAGE_BUILD)
