# What `cmake --install` puts where: the program, the library for CMake and pkg-config, the model that ships, samples,
# completions and the manual page.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS lectern_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS lectern EXPORT lecternTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET lectern_pdf)
  install(TARGETS lectern_pdf RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/lectern DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY models/primer DESTINATION ${CMAKE_INSTALL_DATADIR}/lectern/models)
install(DIRECTORY samples DESTINATION ${CMAKE_INSTALL_DATADIR}/lectern)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Whoever links the archive links what pkg-config found for it too. The modules by the names they have in this build:
set(module_of_FRIBIDI fribidi)
set(module_of_GUMBO gumbo)
set(module_of_HWY libhwy)
set(module_of_LEPTONICA lept)
set(module_of_PCRE2 libpcre2-8)
set(module_of_QPDF libqpdf)
set(module_of_VIPS vips-cpp)
get_target_property(linked lectern LINK_LIBRARIES)
set(lectern_parts "")
set(lectern_requires "")
foreach(library IN LISTS linked)
  if(library MATCHES "^PkgConfig::(.+)$")
    if(NOT DEFINED module_of_${CMAKE_MATCH_1})
      message(FATAL_ERROR "cmake/Install.cmake does not say which module ${library} is")
    endif()
    string(APPEND lectern_parts " ${CMAKE_MATCH_1}=${module_of_${CMAKE_MATCH_1}}")
    string(APPEND lectern_requires " ${module_of_${CMAKE_MATCH_1}}")
  endif()
endforeach()

set(lectern_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lectern)
install(EXPORT lecternTargets NAMESPACE lectern:: DESTINATION ${lectern_cmake_dir})
configure_package_config_file(cmake/lecternConfig.cmake.in lecternConfig.cmake INSTALL_DESTINATION ${lectern_cmake_dir})
write_basic_package_version_file(lecternConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lecternConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/lecternConfigVersion.cmake
        DESTINATION ${lectern_cmake_dir})
file(RELATIVE_PATH lectern_pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # it may be moved with the rest
configure_file(cmake/lectern.pc.in lectern.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lectern.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The program describes itself.
set(described ${CMAKE_CURRENT_BINARY_DIR}/described)
add_custom_command(
  OUTPUT ${described}/lectern ${described}/_lectern ${described}/lectern.1
  COMMAND ${CMAKE_COMMAND} -E make_directory ${described}
  COMMAND lectern_cli completion bash > ${described}/lectern
  COMMAND lectern_cli completion zsh > ${described}/_lectern
  COMMAND lectern_cli manual > ${described}/lectern.1
  DEPENDS lectern_cli
  VERBATIM)
# All that is installed.
add_custom_target(lectern_installed DEPENDS lectern_cli lectern_described $<$<BOOL:${LECTERN_PDF}>:lectern_pdf>)
add_custom_target(lectern_described ALL DEPENDS ${described}/lectern ${described}/_lectern ${described}/lectern.1)
install(FILES ${described}/lectern DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${described}/_lectern DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${described}/lectern.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
