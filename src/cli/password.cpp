#include "cli/password.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "cli/interrupts.h"
#include "core/files/file.h"
#include "core/io.h"
#include "core/stopped.h"
#include "core/unique_fd.h"
#include "lectern/error.h"

namespace lectern::cli {
namespace {

constexpr size_t max_bytes = 1024;  // bytes; no PDF has a longer one

// The terminal takes what is typed key by key and does not show it, while the object lives. Ctrl-C is a key as well,
// and a signal that ends the process shows again what is typed, so that nobody is left with a terminal that shows
// nothing. There is one at a time.
class Unseen {
 public:
  explicit Unseen(int terminal) {
    if (::tcgetattr(terminal, &settings_before) != 0) throw system_error("/dev/tty", "cannot be set up", errno);
    shown_on = terminal;
    before_sudden_end(show_again);
    termios unseen = settings_before;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    if (::tcsetattr(terminal, TCSAFLUSH, &unseen) != 0) throw system_error("/dev/tty", "cannot be set up", errno);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    show_again();
    before_sudden_end(nullptr);
  }

 private:
  static void show_again() { ::tcsetattr(shown_on, TCSAFLUSH, &settings_before); }

  static inline int shown_on = -1;
  static inline termios settings_before{};
};

// false: nothing is left to come.
bool next_byte(int file, char& byte) { return read_some(file, &byte, 1) == 1; }

void show(int terminal, std::string_view text) { static_cast<void>(!::write(terminal, text.data(), text.size())); }

std::string ask() {
  const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) throw Error("--password-file -: there is no terminal to ask on; name a file");
  show(terminal.get(), "password: ");
  std::string password;
  const Unseen unseen(terminal.get());
  constexpr char ctrl_c = 3, ctrl_d = 4, ctrl_u = 21, backspace = 8, rubout = 127;
  for (char key = 0; next_byte(terminal.get(), key) && key != '\n' && key != '\r' && key != ctrl_d;) {
    if (key == ctrl_c) {
      show(terminal.get(), "\n");
      throw Stopped();
    }
    if (key == ctrl_u) {
      password.clear();
    } else if (key != backspace && key != rubout) {
      if (password.size() < max_bytes) password += key;
    } else {
      // A whole character of UTF-8.
      while (!password.empty() && (static_cast<unsigned char>(password.back()) & 0xC0) == 0x80) password.pop_back();
      if (!password.empty()) password.pop_back();
    }
  }
  show(terminal.get(), "\n");
  return password;
}

}  // namespace

void add_password_options(CLI::App& command, PasswordArguments& arguments) {
  CLI::Option* const typed =
      command.add_option("--password", arguments.typed, "Of encrypted PDFs; all users of the machine can read it here")
          ->type_name("TEXT");
  command
      .add_option("--password-file", arguments.file, "File whose first line is the password; - asks on the terminal")
      ->type_name("FILE")
      ->excludes(typed);
}

std::string password_of(const PasswordArguments& arguments) {
  if (arguments.file.empty()) return arguments.typed;
  // While a person, or a pipe, is waited for, a signal ends the process.
  const Interrupts::First before = Interrupts::set(Interrupts::First::ends);
  std::string password = read_password(arguments.file);
  Interrupts::set(before);
  return password;
}

std::string read_password(const std::string& file) {
  if (file == "-") return ask();
  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!opened) throw system_error(file, "cannot be opened", errno);
  std::string password;
  for (char byte = 0; next_byte(opened.get(), byte) && byte != '\n';) {
    password += byte;
    if (password.size() > max_bytes) throw Error(file + ": its first line is too long for a password");
  }
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty()) throw Error(file + ": holds no password in its first line");
  return password;
}

}  // namespace lectern::cli
