// Which processors are near to each other and to a card, and how a process keeps to some of them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {

// Numbers of processors, ascending.
using Processors = std::vector<int>;

// $LECTERN_SYS, or /sys: where the system describes its hardware.
std::filesystem::path system_folder();

// As the kernel writes them: "0-3,8". What is no such list is empty.
Processors parse_processors(std::string_view text);

// Those that this process may use.
Processors allowed_processors();

// Of them, those of every socket that has memory of its own; one entry where all memory is equally near, or nothing is
// known.
std::vector<Processors> sockets(const std::filesystem::path& system);

// Of them, those next to the bus of a card ("0000:c1:00.0"); empty where that is not known, or all are alike.
Processors processors_near(const std::filesystem::path& system, const std::string& bus_address);

// Keeps all threads of this process, and those that they start, to these processors. false: the system refuses.
bool keep_to(std::span<const int> processors);

}  // namespace lectern
