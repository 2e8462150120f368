# What `cmake --install` puts where, in three components: `program` (the programs, the model that ships, samples, manual,
# completions, documents), `library` (shared libraries) and `development` (headers, archives, CMake and pkg-config files).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(installed lectern_engine lectern_documents lectern_hub lectern)
install(TARGETS ${installed} EXPORT lecternTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/lectern ${PROJECT_BINARY_DIR}/include/lectern DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development FILES_MATCHING PATTERN "*.h")

set(lectern_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lectern)
set(lectern_modules ${engine_modules} ${documents_modules} ${hub_modules})
list(JOIN lectern_modules " " lectern_modules)
install(EXPORT lecternTargets NAMESPACE lectern:: DESTINATION ${lectern_cmake_dir} COMPONENT development)
configure_package_config_file(cmake/lecternConfig.cmake.in lecternConfig.cmake INSTALL_DESTINATION ${lectern_cmake_dir})
write_basic_package_version_file(lecternConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lecternConfig.cmake ${PROJECT_BINARY_DIR}/lecternConfigVersion.cmake
        DESTINATION ${lectern_cmake_dir} COMPONENT development)

# lectern_pkg_config(NAME DESCRIPTION LIBS REQUIRES): for pkg-config, NAME.pc.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # it may be moved with the rest
function(lectern_pkg_config pc_name pc_description pc_libs pc_requires)
  list(JOIN pc_requires " " pc_requires)
  configure_file(cmake/lectern.pc.in ${pc_name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endfunction()
set(everything "Reads documents: pictures, PDFs and folders in, their text out")
set(only_engine "Reads pictures of pages: the part of Lectern without documents and downloads")
if(BUILD_SHARED_LIBS)
  lectern_pkg_config(lectern-engine "${only_engine}" "-llectern-engine" "")
  lectern_pkg_config(lectern "${everything}" "-llectern" "")
  lectern_pkg_config(lectern-documents "${everything}" "" "lectern")
  lectern_pkg_config(lectern-hub "${everything}" "" "lectern")
else()
  # Whoever links an archive links what it is made of too, so that nothing is private.
  lectern_pkg_config(lectern-engine "${only_engine}" "-llectern-engine -ldnnl -fopenmp" "${engine_modules}")
  lectern_pkg_config(lectern-documents "Reads documents and writes files, by way of lectern-engine" "-llectern-documents"
                     "lectern-hub;${documents_modules}")
  lectern_pkg_config(lectern-hub "Downloads models for Lectern" "-llectern-hub" "lectern-engine;${hub_modules}")
  lectern_pkg_config(lectern "${everything}" "" "lectern-documents")
endif()

# Everything that is installed, without the tests.
add_custom_target(lectern_installed DEPENDS ${installed})

if(LECTERN_PDF)
  install(TARGETS lectern_pdf RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  add_dependencies(lectern_installed lectern_pdf)
endif()
if(LECTERN_CLI)
  # The program describes itself.
  set(described ${PROJECT_BINARY_DIR}/described)
  add_custom_command(
    OUTPUT ${described}/lectern ${described}/_lectern ${described}/lectern.1
    COMMAND ${CMAKE_COMMAND} -E make_directory ${described}
    COMMAND lectern_cli completion bash > ${described}/lectern
    COMMAND lectern_cli completion zsh > ${described}/_lectern
    COMMAND lectern_cli manual > ${described}/lectern.1
    DEPENDS lectern_cli
    VERBATIM)
  add_custom_target(lectern_described ALL DEPENDS ${described}/lectern ${described}/_lectern ${described}/lectern.1)
  add_dependencies(lectern_installed lectern_cli lectern_described)
  install(TARGETS lectern_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(DIRECTORY models/primer models/primer-large DESTINATION ${CMAKE_INSTALL_DATADIR}/lectern/models COMPONENT program)
  install(DIRECTORY samples DESTINATION ${CMAKE_INSTALL_DATADIR}/lectern COMPONENT program)
  install(FILES ${described}/lectern DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
  install(FILES ${described}/_lectern DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT program)
  install(FILES ${described}/lectern.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  # README.md points into these.
  install(FILES LICENSE README.md CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
  install(FILES contrib/lectern-serve.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT program)
  install(DIRECTORY docs examples contrib DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
endif()
