# The libraries, each made of some rooms of src/:
#
#   lectern::engine     reads pictures: neither a PDF writer nor TLS is linked
#   lectern::hub        downloads models
#   lectern::documents  reads documents and writes files, by way of the engine, named after models as the hub names them
#   lectern::lectern    all of them
#
# Each room's objects are compiled once. Archives hold the objects of their own rooms. A shared library is whole by
# itself, since what the rooms know of each other is hidden: liblectern-engine has the engine, liblectern has everything.
# lectern_objects lists what a program that sees inside (the command line, the tests) links; it adds the devices itself:
# lectern_devices, or in tests those of the fake toolkit.

# Rooms, and the pkg-config modules that they need.
set(engine_rooms core device image lines layout checkpoint vision language engine input reading)
set(engine_modules libhwy vips-cpp lept libpcre2-8 gumbo fribidi fmt spdlog)
set(documents_rooms output job)
set(documents_modules libqpdf)
set(hub_rooms hub)
set(hub_modules libcurl libcrypto)
set(lectern_parts engine documents hub)
set(diagnose_rooms diagnose)  # of the command line and the tests alone

file(GLOB rooms RELATIVE ${PROJECT_SOURCE_DIR}/src CONFIGURE_DEPENDS src/*)
list(REMOVE_ITEM rooms cli server pdf_helper ${engine_rooms} ${documents_rooms} ${hub_rooms} ${diagnose_rooms})
if(rooms)
  message(FATAL_ERROR "cmake/Libraries.cmake does not say to which library these rooms of src/ belong: ${rooms}")
endif()

configure_file(include/lectern/version.h.in include/lectern/version.h @ONLY)

# Compiles the files of a target in units of files that mean in company what they mean alone (scripts/units.py).
function(lectern_in_units target)
  if(NOT LECTERN_UNITS)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources EXCLUDE REGEX "^${PROJECT_BINARY_DIR}/|\\.h$")
  execute_process(COMMAND /usr/bin/python3 -B ${PROJECT_SOURCE_DIR}/scripts/units.py ${sources}
                  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}  # when ninja runs CMake again, too
                  OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" lines "${lines}")
  set(number 0)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    string(REPLACE " " ";" files "${line}")
    set_source_files_properties(${files} PROPERTIES UNITY_GROUP ${target}_${number})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # It lets only the file that it was given have members with types of a namespace without name, and in long files it
    # sees std::optional without a value used.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage -Wno-maybe-uninitialized)
  endif()
endfunction()

# Objects of the sources given, with hidden symbols, for archives, programs and shared libraries alike: a parent's or a
# stranger's shared library may hold the archives. With sanitizers they stay in this tree and are compiled as programs are.
function(lectern_add_objects name)
  add_library(${name} OBJECT ${ARGN})
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(BUILD_SHARED_LIBS OR NOT LECTERN_SANITIZE)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include
                             ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC lectern_options nlohmann_json::nlohmann_json)
  lectern_in_units(${name})
endfunction()

set(lectern_objects "")
foreach(part IN LISTS lectern_parts ITEMS diagnose)
  set(sources "")
  foreach(room IN LISTS ${part}_rooms)
    file(GLOB_RECURSE of_room CONFIGURE_DEPENDS src/${room}/*.cpp)
    list(APPEND sources ${of_room})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "/src/device/(ascend/|registry\\.cpp$)")
  lectern_add_objects(lectern_${part}_objects ${sources})
  foreach(module IN LISTS ${part}_modules)
    pkg_check_modules(${module} REQUIRED IMPORTED_TARGET ${module})
    target_link_libraries(lectern_${part}_objects PUBLIC PkgConfig::${module})
    list(APPEND ${part}_links PkgConfig::${module})
  endforeach()
  if(NOT part STREQUAL engine)  # for its headers, and what they include
    target_link_libraries(lectern_${part}_objects PUBLIC lectern_engine_objects)
  endif()
  target_link_libraries(lectern_${part}_objects PUBLIC OpenMP::OpenMP_CXX)
  list(APPEND lectern_objects lectern_${part}_objects)
endforeach()
target_link_libraries(lectern_engine_objects PUBLIC ${DNNL})

# The list of devices, and those devices that need a toolkit's headers.
lectern_add_objects(lectern_devices src/device/registry.cpp)
target_link_libraries(lectern_devices PUBLIC lectern_engine_objects)
foreach(device IN LISTS LECTERN_DEVICES)
  if(NOT device STREQUAL ascend)
    message(FATAL_ERROR "LECTERN_DEVICES: there is no device '${device}' to build; choose ascend")
  endif()
endforeach()
if("ascend" IN_LIST LECTERN_DEVICES)
  if(NOT DEFINED ENV{ASCEND_TOOLKIT_HOME})
    message(FATAL_ERROR "LECTERN_DEVICES: ascend needs the headers of CANN: set ASCEND_TOOLKIT_HOME (source set_env.sh)")
  endif()
  file(GLOB_RECURSE ascend_sources CONFIGURE_DEPENDS src/device/ascend/*.cpp)
  target_sources(lectern_devices PRIVATE ${ascend_sources})
  # The device opens the toolkit's libraries at run time; the build needs the headers alone.
  target_include_directories(lectern_devices SYSTEM PRIVATE $ENV{ASCEND_TOOLKIT_HOME}/include)
  target_compile_definitions(lectern_devices PRIVATE LECTERN_ASCEND)
  target_link_libraries(lectern_devices PUBLIC ${CMAKE_DL_LIBS})
  list(APPEND engine_links ${CMAKE_DL_LIBS})
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12 sees uninitialized values in its own vector intrinsics (GCC bug 105593).
  set_source_files_properties(src/device/cpu/attention/bf16_cache_attention.cpp
                              src/device/cpu/attention/bf16_encoder_attention.cpp
                              src/device/cpu/matmul/bf16_products.cpp src/device/cpu/matmul/int8_products.cpp
                              PROPERTIES COMPILE_OPTIONS -Wno-maybe-uninitialized)
endif()
# In kernels a product and a sum are one instruction where the source says so, not wherever a compiler sees them
# together: a row's result must not depend on the code around it.
file(GLOB_RECURSE cpu_sources CONFIGURE_DEPENDS src/device/cpu/*.cpp src/device/quantization.cpp)
set_property(SOURCE ${cpu_sources} APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=off)
if(LECTERN_SANITIZE)
  # They compute whole models and look at every pixel: not without optimisation, which halves the time of compiling.
  set_property(SOURCE ${cpu_sources} src/image/ink.cpp src/image/ink_lines.cpp src/image/ink_mask.cpp
                      src/image/orientation.cpp src/image/rules.cpp src/engine/guard/periodicity.cpp
                      src/engine/guard/repetition.cpp
               APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:Debug>:-O1> $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>)
endif()
if(LECTERN_SANITIZE MATCHES thread)
  # What threads hand to each other is outside of the kernels, which would take minutes: they go without, for the
  # instructions that every processor has.
  set_property(SOURCE ${cpu_sources} APPEND PROPERTY COMPILE_OPTIONS -fno-sanitize=thread)
  target_compile_definitions(lectern_options INTERFACE HWY_COMPILE_ONLY_STATIC)
endif()
# As C++20, clang 14 does not accept the headers of qpdf 11.
set_source_files_properties(src/output/pdf/pdf_document.cpp PROPERTIES COMPILE_OPTIONS -std=c++17)

# A library of the objects of these targets, with everything that they link.
function(lectern_add_library name output objects links)
  list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  add_library(${name} ${objects})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${output} LINKER_LANGUAGE CXX
                        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_options(${name} PRIVATE $<$<NOT:$<BOOL:${LECTERN_SANITIZE}>>:LINKER:--no-undefined>)
  target_link_libraries(${name} PRIVATE ${links} OpenMP::OpenMP_CXX $<BUILD_INTERFACE:lectern_options>)
endfunction()

set(engine_links ${engine_links} $<BUILD_INTERFACE:${DNNL}> $<INSTALL_INTERFACE:dnnl>)
lectern_add_library(lectern_engine lectern-engine "lectern_engine_objects;lectern_devices" "${engine_links}")
if(BUILD_SHARED_LIBS)
  lectern_add_library(lectern lectern
                      "lectern_engine_objects;lectern_documents_objects;lectern_hub_objects;lectern_devices"
                      "${engine_links};${documents_links};${hub_links}")
  foreach(part documents hub)
    add_library(lectern_${part} INTERFACE)
    target_link_libraries(lectern_${part} INTERFACE lectern)
  endforeach()
  # Both in one program would be two copies of the engine.
  set_target_properties(lectern_engine PROPERTIES INTERFACE_LECTERN_SHARED engine)
  set_target_properties(lectern PROPERTIES INTERFACE_LECTERN_SHARED all)
  set_property(TARGET lectern_engine lectern APPEND PROPERTY COMPATIBLE_INTERFACE_STRING LECTERN_SHARED)
else()
  foreach(part documents hub)
    lectern_add_library(lectern_${part} lectern-${part} lectern_${part}_objects "${${part}_links}")
    target_link_libraries(lectern_${part} PUBLIC lectern_engine)
  endforeach()
  target_link_libraries(lectern_documents PUBLIC lectern_hub)
  add_library(lectern INTERFACE)
  target_link_libraries(lectern INTERFACE lectern_documents)
endif()
add_library(lectern::lectern ALIAS lectern)
foreach(part IN LISTS lectern_parts)
  set_target_properties(lectern_${part} PROPERTIES EXPORT_NAME ${part})
  add_library(lectern::${part} ALIAS lectern_${part})
endforeach()

# The HTTP server, which the command line alone links; no library holds it.
if(LECTERN_CLI OR LECTERN_TESTS)
  file(GLOB_RECURSE server_sources CONFIGURE_DEPENDS src/server/*.cpp)
  # The files of the page at "/".
  file(GLOB_RECURSE page_files CONFIGURE_DEPENDS src/server/page/*)
  set(page_source ${PROJECT_BINARY_DIR}/page_files_bytes.cpp)
  add_custom_command(OUTPUT ${page_source}
                     COMMAND ${CMAKE_COMMAND} -D FOLDER=${PROJECT_SOURCE_DIR}/src/server/page -D OUTPUT=${page_source}
                             -P ${PROJECT_SOURCE_DIR}/cmake/EmbedPage.cmake
                     DEPENDS ${page_files} ${PROJECT_SOURCE_DIR}/cmake/EmbedPage.cmake VERBATIM)
  set_source_files_properties(${page_source} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  file(READ src/server/openapi.json openapi_text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/server/openapi.json)
  configure_file(src/server/openapi.cpp.in server/openapi.cpp @ONLY)
  lectern_add_objects(lectern_server_objects ${server_sources} ${page_source}
                      ${PROJECT_BINARY_DIR}/server/openapi.cpp)
  target_link_libraries(lectern_server_objects PUBLIC lectern_documents_objects lectern_hub_objects)
  foreach(module libmicrohttpd prometheus-cpp-core libcrypto sqlite3 libzip)
    pkg_check_modules(${module} REQUIRED IMPORTED_TARGET ${module})
    target_link_libraries(lectern_server_objects PUBLIC PkgConfig::${module})
  endforeach()
  list(APPEND lectern_objects lectern_server_objects)
endif()
