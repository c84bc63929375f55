# One ctest entry a file; scripts/run_tests.sh makes build/test-venv and build/logstone before.
foreach(name adopt argo_logs byte_exact commands doctor faults kill page publish real_input s3 s3_faults)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_${name}.py)
    add_test(NAME e2e_${name}
             COMMAND ${CMAKE_SOURCE_DIR}/build/test-venv/bin/python -m pytest -q -x --tb=short -p no:cacheprovider
                     ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_${name}.py)
    set_tests_properties(e2e_${name} PROPERTIES LABELS e2e TIMEOUT 900 RUN_SERIAL ON)
  endif()
endforeach()
