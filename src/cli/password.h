// Input of passwords other than on the command line, where every user of the machine can read them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace lectern::cli {

struct PasswordArguments {
  std::string typed;  // on the command line
  std::string file;   // as read_password takes it
};

// Adds --password and --password-file, of commands that open PDFs.
void add_password_options(CLI::App& command, PasswordArguments& arguments);

// The password that the options give; empty for none. Throws as read_password does.
std::string password_of(const PasswordArguments& arguments);

// The first line of the file; "-" asks on the terminal, without showing what is typed. Throws Error, and Stopped when
// Ctrl-C is typed in place of a password.
std::string read_password(const std::string& file);

}  // namespace lectern::cli
