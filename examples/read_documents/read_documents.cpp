// Reads pictures, PDFs and folders of them with the library: read_documents MODEL_FOLDER INPUT...
#include <exception>
#include <iostream>

#include "lectern/documents.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: read_documents MODEL_FOLDER INPUT...\n";
    return 2;
  }
  try {
    lectern::DocumentOptions options;
    options.inputs.assign(argv + 2, argv + argc);
    options.out = "-";
    options.formats = {lectern::Format::text};
    lectern::DocumentEvents events;
    events.message = [](const std::string& line) { std::cerr << line << '\n'; };
    return lectern::read_documents({lectern::Model::load(argv[1])}, options, events).is_done() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "read_documents: " << error.what() << '\n';
    return 2;
  }
}
