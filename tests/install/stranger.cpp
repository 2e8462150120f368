// What programs do that embed the library and were not written with it in mind: a reader of static lifetime with pages
// in flight when the program ends, the log on, and forks, whose children end as any program does.
//   stranger MODEL_FOLDER PICTURE
#include <lectern/log.h>
#include <lectern/reader.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

namespace {

// Begun before anything of the library, ended after what the library began later.
std::optional<lectern::Reader> reader;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "stranger: " << what << '\n';
  std::_Exit(1);
}

template <typename Work>
bool in_a_fork(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) std::exit(work() ? 0 : 1);  // with all destructors
  int status = -1;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

int main(int, char** argv) {
  ::alarm(120);  // nothing may hang
  lectern::set_log(lectern::LogLevel::debug, [](lectern::LogLevel, std::string_view) {});
  const lectern::Model model = lectern::Model::load(argv[1]);
  reader.emplace(model);
  const std::string text = reader->read(argv[2]).text();
  const bool refused = in_a_fork([&] {
    try {
      reader->read(argv[2]);
    } catch (const lectern::Error& error) {
      return error.code() == lectern::ErrorCode::unsupported;
    }
    return false;
  });
  expect(refused, "a fork uses its parent's reader");
  expect(in_a_fork([&] { return lectern::Reader(model).read(argv[2]).text() == text; }), "a fork cannot read");
  expect(reader->read(argv[2]).text() == text, "a reader was hurt by a fork");
  for (int i = 0; i < 8; ++i) reader->submit(lectern::Image::from_file(argv[2]), [](const lectern::ReadEvent&) {});
  std::cout << text << '\n';
}
