# logstone_embed(target FILE...): the files become part of the target; `files_of_<target>()` lists them (serve/assets.h).
function(logstone_embed target)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/files_of_${target}.cpp)
  string(REPLACE ";" "|" files "${ARGN}")
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DTARGET=${target} -DOUTPUT=${output} "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/cmake/embed_files.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/embed_files.cmake
    COMMENT "Embedding files into ${target}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
