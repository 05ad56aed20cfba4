// Loaded into the platform before its libraries (LD_PRELOAD): kills the process, as `kill -9` does, at a
// chosen sync of the ledger's log. What the kernel then has is what a kill at that instant leaves; nothing of
// it is in the program.
//
// The file that FAIRLEAD_CRASH_PLAN names says when: "before N", "after N" or "after N MICROSECONDS", counted
// from the moment when the file is there.

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct Plan {
  std::atomic<bool> known{false};
  bool before = false;
  int at = 0;
  int microseconds = 0;
};
Plan plan;
std::atomic<int> syncs{0};

void die() { kill(getpid(), SIGKILL); }

bool is_log(int descriptor) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return false;
  path[size] = '\0';
  return std::strstr(path, "fairlead.db-wal") != nullptr;
}

bool planned() {
  if (plan.known) return true;
  const char* name = std::getenv("FAIRLEAD_CRASH_PLAN");
  if (name == nullptr) return false;
  const int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[128] = {};
  const ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  char when[16] = {};
  if (size <= 0 || std::sscanf(text, "%15s %d %d", when, &plan.at, &plan.microseconds) < 2) return false;
  plan.before = std::strcmp(when, "before") == 0;
  plan.known = true;
  return true;
}

void* die_soon(void*) {
  const timespec pause = {0, plan.microseconds * 1000L};
  nanosleep(&pause, nullptr);
  die();
  return nullptr;
}

}  // namespace

extern "C" int fdatasync(int descriptor) {
  using Sync = int (*)(int);
  static const auto real = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, "fdatasync"));
  if (!is_log(descriptor) || !planned()) return real(descriptor);
  const bool now = ++syncs == plan.at;
  if (now && plan.before) die();
  const int result = real(descriptor);
  if (!now) return result;
  if (plan.microseconds == 0) die();
  pthread_t thread;
  if (pthread_create(&thread, nullptr, die_soon, nullptr) != 0) die();
  return result;
}
