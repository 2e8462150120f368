#include "pdf_helper/confinement.h"

#include <fcntl.h>
#include <fontconfig/fontconfig.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "pdf_helper/protocol.h"

namespace lectern::pdf {
namespace {

// A page of the largest size is rendered in bands, each with a copy that poppler makes, and a page may hold pictures
// and transparent groups of the size of a band: 2 GiB serve every honest page seen, and leave room on a laptop.
[[maybe_unused]] constexpr rlim_t memory_limit = rlim_t{2} << 30;

void limit(int resource, rlim_t value) {
  const rlimit both = {value, value};
  static_cast<void>(::setrlimit(static_cast<__rlimit_resource_t>(resource), &both));
}

void limit_resources(int file) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 64);
#if !defined(__SANITIZE_ADDRESS__)  // which reserves terabytes of addresses
  struct stat status {};
  const bool mapped = ::fstat(file, &status) == 0;
  limit(RLIMIT_AS, memory_limit + (mapped ? static_cast<rlim_t>(status.st_size) : 0));
#else
  static_cast<void>(file);
#endif
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGINT, SIG_IGN);  // an interrupt from the terminal is the parent's to handle
  std::signal(SIGPIPE, SIG_DFL);
}

// Folders and files of fonts, as fontconfig is set up on this machine, and what libraries read as they go.
std::vector<std::string> readable_places() {
  std::vector<std::string> places = {"/usr/share", "/usr/local/share", "/usr/lib",
                                     "/usr/lib64", "/usr/local/lib",   "/lib",
                                     "/lib64",     "/etc/fonts",       "/etc/ld.so.cache"};
  if (FcConfig* const config = FcInitLoadConfig(); config != nullptr) {
    for (FcStrList* const list :
         {FcConfigGetFontDirs(config), FcConfigGetCacheDirs(config), FcConfigGetConfigFiles(config)}) {
      if (list == nullptr) continue;
      while (const FcChar8* const place = FcStrListNext(list)) {
        places.emplace_back(reinterpret_cast<const char*>(place));
      }
      FcStrListDone(list);
    }
    FcConfigDestroy(config);
  }
  std::erase(places, "/");
  return places;
}

bool drop_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

bool add_rule(int rules, int place, uint64_t access) {
  const landlock_path_beneath_attr beneath = {access, place};
  return ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
}

bool allow_few_files(int file, const std::vector<std::string>& places) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return false;
  // Every right of the file system that the kernel knows: 13 in the first version, two more until the third.
  const uint64_t rights = (uint64_t{1} << (version == 1 ? 13 : version == 2 ? 14 : 15)) - 1;
  const landlock_ruleset_attr all = {rights};
  const int rules = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0));
  if (rules < 0) return false;
  bool done = add_rule(rules, file, LANDLOCK_ACCESS_FS_READ_FILE);
  for (const std::string& name : places) {
    const int place = ::open(name.c_str(), O_PATH | O_CLOEXEC);
    struct stat status {};
    if (place < 0) continue;
    if (::fstat(place, &status) == 0) {
      const bool folder = S_ISDIR(status.st_mode);
      add_rule(rules, place, LANDLOCK_ACCESS_FS_READ_FILE | (folder ? LANDLOCK_ACCESS_FS_READ_DIR : 0));
    }
    ::close(place);
  }
  done = done && ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  ::close(rules);
  return done;
}

// Calls that reach nothing outside of this process, or only what Landlock and the descriptors give.
constexpr std::array harmless = {
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(close), SCMP_SYS(lseek),
    SCMP_SYS(_llseek), SCMP_SYS(dup), SCMP_SYS(fadvise64), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(fstat),
    SCMP_SYS(fstat64), SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64), SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
    // memory
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect),
    SCMP_SYS(madvise), SCMP_SYS(mincore),
    // threads, signals and the end
    SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address), SCMP_SYS(arch_prctl), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
    // what it may know
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
    SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrusage), SCMP_SYS(getrlimit),
    SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo)};

bool allow_few_system_calls() {
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  bool done = true;
  // A call that this processor does not have needs no rule.
  const auto allow = [&](int call, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    const int result = ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, static_cast<unsigned>(arguments.size()),
                                                arguments.begin());
    done = done && (result == 0 || result == -EDOM || result == -EOPNOTSUPP);
  };
  const auto argument = [](unsigned number, scmp_compare how, uint64_t a, uint64_t b = 0) {
    return scmp_arg_cmp{number, how, a, b};
  };
  for (const int call : harmless) allow(call);
  const uint64_t changing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
  allow(SCMP_SYS(open), {argument(1, SCMP_CMP_MASKED_EQ, changing, O_RDONLY)});
  allow(SCMP_SYS(openat), {argument(2, SCMP_CMP_MASKED_EQ, changing, O_RDONLY)});
#if defined(__SANITIZE_ADDRESS__)  // which finds out by way of a pipe whether memory can be read
  for (const int call : {SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(write), SCMP_SYS(writev)}) allow(call);
#else
  for (const int call : {SCMP_SYS(write), SCMP_SYS(writev)}) allow(call, {argument(0, SCMP_CMP_LE, STDERR_FILENO)});
#endif
  for (const uint64_t command : {F_GETFD, F_SETFD, F_GETFL}) {
    allow(SCMP_SYS(fcntl), {argument(1, SCMP_CMP_EQ, command)});
    allow(SCMP_SYS(fcntl64), {argument(1, SCMP_CMP_EQ, command)});
  }
  allow(SCMP_SYS(prlimit64), {argument(0, SCMP_CMP_EQ, 0)});
  allow(SCMP_SYS(setrlimit));
  allow(SCMP_SYS(tgkill), {argument(0, SCMP_CMP_EQ, static_cast<uint64_t>(::getpid()))});  // abort()
  // Threads, but no processes. clone3 hides its flags; without it the C library goes back to clone.
  allow(SCMP_SYS(clone), {argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)});
  done = done && ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  done = done && ::seccomp_load(filter) == 0;
  ::seccomp_release(filter);
  return done;
}

}  // namespace

uint32_t confine(int file) {
  const std::vector<std::string> places = readable_places();
  limit_resources(file);
  uint32_t had = 0;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) had |= no_new_privileges;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) == 0) had |= own_namespaces;
  if (drop_capabilities()) had |= no_capabilities;
  if (allow_few_files(file, places)) had |= few_files;
  if (allow_few_system_calls()) had |= few_system_calls;
  return had;
}

void refuse_more_threads() { limit(RLIMIT_NPROC, 0); }

}  // namespace lectern::pdf
