# Writes OUTPUT, a C++ file with the bytes of all files below FOLDER: cmake -D FOLDER=... -D OUTPUT=... -P EmbedPage.cmake
file(GLOB_RECURSE names RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT names)
set(entries "")
foreach(name IN LISTS names)
  file(SIZE ${FOLDER}/${name} size)
  file(READ ${FOLDER}/${name} bytes HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  string(APPEND entries "    {\"${name}\", {\"${bytes}\", ${size}}},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/EmbedPage.cmake.
#include \"server/page_files.h\"

namespace lectern::server {
namespace {

constexpr PageFile files[] = {
${entries}};

}  // namespace

std::span<const PageFile> page_files() { return files; }

}  // namespace lectern::server
")
