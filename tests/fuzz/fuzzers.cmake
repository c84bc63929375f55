# One line a fuzzer: logstone_fuzzer(name libraries...), with tests/fuzz/fuzz_<name>.cpp and tests/fuzz/corpus/<name>/.
logstone_fuzzer(record_json logstone_model)
logstone_fuzzer(retention_policy logstone_model)
logstone_fuzzer(doctor logstone_doctor)
logstone_fuzzer(http_request logstone_serve)
logstone_fuzzer(cri_record logstone_nodefiles)
logstone_fuzzer(manifest logstone_local)
logstone_fuzzer(expression logstone_local)
logstone_fuzzer(segment logstone_archive)
logstone_fuzzer(node_log logstone_nodefiles)
if(TEST fuzz_node_log)  # Each run writes files.
  set_tests_properties(fuzz_node_log PROPERTIES ENVIRONMENT LOGSTONE_FUZZ_RUNS=3000)
endif()
logstone_fuzzer(key_format logstone_model)
logstone_fuzzer(log_object logstone_argo)
logstone_fuzzer(archived_location logstone_argo)
if(TEST fuzz_log_object)  # Each run may write a file.
  set_tests_properties(fuzz_log_object PROPERTIES ENVIRONMENT LOGSTONE_FUZZ_RUNS=5000)
endif()
