# make run | make test | make build: each installs what it needs first. The rest is for developers (CONTRIBUTING.md).
JOBS ?= $(shell nproc)
DATA ?= ./logstone-data
LISTEN ?= 127.0.0.1:8080

.PHONY: build run test test-fast sanitize bench format lint clean

build:
	@scripts/install_packages.sh build
	@cmake --preset release > build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	@cmake --build build/release -j $(JOBS) --target logstone
	@cp -f build/release/logstone build/logstone

run: build
	@build/logstone up --data $(DATA) --listen $(LISTEN) examples/hello.yaml

test:
	@scripts/install_packages.sh test
	@scripts/run_tests.sh

test-fast:
	@cmake --preset test > /dev/null && cmake --build build/test -j $(JOBS)
	@ctest --test-dir build/test -L unit --output-on-failure

sanitize:
	@scripts/install_packages.sh test
	@scripts/run_tsan.sh

bench:
	@scripts/install_packages.sh bench
	@bench/run.sh

format:
	@scripts/check_format.sh --fix

lint:
	@scripts/check_format.sh

clean:
	rm -rf build
