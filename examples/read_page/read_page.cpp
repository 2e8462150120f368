// Reads the text of a picture with the library: read_page MODEL_FOLDER PICTURE
#include <exception>
#include <iostream>

#include "lectern/model.h"
#include "lectern/reader.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: read_page MODEL_FOLDER PICTURE\n";
    return 2;
  }
  try {
    const lectern::Model model = lectern::Model::load(argv[1]);
    lectern::Reader reader(model, {});
    std::cout << reader.read(argv[2]).text() << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "read_page: " << error.what() << '\n';
    return 1;
  }
}
