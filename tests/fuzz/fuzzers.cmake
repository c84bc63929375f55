# One line a fuzzer: logstone_fuzzer(name libraries...), with tests/fuzz/fuzz_<name>.cpp and tests/fuzz/corpus/<name>/.
