// Symbols that the profile lacks are taken out of this library's table of dynamic symbols, as the loader has it in
// memory, so that dlsym() does not find them.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <map>
#include <mutex>
#include <string_view>

#include "fake_cann/runtime/state.h"

namespace fake_cann {
namespace {

struct Since {
  const char* operation;
  const char* version;
};
// Section 5.4 and the notes of section 3; all others are in 8.1.RC1.
constexpr std::array later_operators = {
    Since{"aclnnGroupedMatmulV5", "8.2.RC1"},
    Since{"aclnnApplyRotaryPosEmbV2", "8.2.RC1"},
    Since{"aclnnFastGelu", "8.3.RC1"},
    Since{"aclnnInplaceAddRmsNorm", "8.5.0"},
};

std::string_view operation_of(std::string_view symbol) {
  constexpr std::string_view first_half = "GetWorkspaceSize";
  if (symbol.ends_with(first_half)) symbol.remove_suffix(first_half.size());
  return symbol;
}

bool is_absent(std::string_view operation, const Profile& profile) {
  if (profile.absent.contains(std::string(operation))) return true;
  for (const Since& later : later_operators) {
    if (operation == later.operation && !version_is_at_least(later.version)) return true;
  }
  return false;
}

void set_value(ElfW(Sym) & symbol, ElfW(Addr) value) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(&symbol) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(&symbol + 1) + page - 1) / page * page;
  auto* pages = reinterpret_cast<void*>(begin);  // NOLINT: a page of the mapped library
  if (mprotect(pages, end - begin, PROT_READ | PROT_WRITE) != 0) return;
  symbol.st_value = value;
  mprotect(pages, end - begin, PROT_READ);
}

// A symbol with the value 0 counts as undefined.
void apply_profile() {
  static std::mutex mutex;
  static std::map<ElfW(Sym)*, ElfW(Addr)> hidden;
  const std::lock_guard held(mutex);
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(reinterpret_cast<void*>(&apply_profile), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0)
    return;
  ElfW(Sym)* symbols = nullptr;
  const char* names = nullptr;
  for (const ElfW(Dyn)* entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
    const auto address = reinterpret_cast<void*>(entry->d_un.d_ptr);  // NOLINT: as the loader relocated it
    if (entry->d_tag == DT_SYMTAB) symbols = static_cast<ElfW(Sym)*>(address);
    if (entry->d_tag == DT_STRTAB) names = static_cast<const char*>(address);
  }
  // The table of names follows the table of symbols; nothing else says how many symbols there are.
  const Profile now = profile();
  for (ElfW(Sym)* symbol = symbols; reinterpret_cast<const char*>(symbol) < names; ++symbol) {
    const std::string_view name = names + symbol->st_name;
    const auto before = hidden.find(symbol);
    if (!name.starts_with("aclnn") || (symbol->st_shndx == SHN_UNDEF)) continue;
    const bool absent = is_absent(operation_of(name), now);
    if (absent && before == hidden.end()) {
      hidden[symbol] = symbol->st_value;
      set_value(*symbol, 0);
    } else if (!absent && before != hidden.end()) {
      set_value(*symbol, before->second);
      hidden.erase(before);
    }
  }
}

[[gnu::constructor]] void start() {
  add_part({.profile_changed = apply_profile});
  apply_profile();
}

}  // namespace
}  // namespace fake_cann
