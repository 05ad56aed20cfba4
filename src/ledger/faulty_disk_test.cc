#include "ledger/faulty_disk_test.h"

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstring>

// A virtual file system of SQLite that passes everything on to the usual one and counts writes and syncs.

namespace fairlead::ledger {
namespace {

using Fault = FaultyDisk::Fault;

struct State {
  std::int64_t calls = 0;
  std::int64_t fails_at = 0;
  Fault fault = Fault::kNone;
  bool met = false;
};
State state;  // SQLite's callbacks have no place of their own for it

struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File* file_of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* real_of(sqlite3_file* file) { return file_of(file)->real(); }
const sqlite3_io_methods* methods_of(sqlite3_file* file) { return real_of(file)->pMethods; }

/// What the next write or sync comes to.
int fault_now(bool sync) {
  const bool broken = state.fault != Fault::kNone && state.calls >= state.fails_at;
  ++state.calls;
  if (!broken) return SQLITE_OK;
  switch (state.fault) {
    case Fault::kNone:
      break;
    case Fault::kFull:
      if (sync) break;
      state.met = true;
      return SQLITE_FULL;
    case Fault::kSyncFails:
      if (!sync) break;
      state.met = true;
      return SQLITE_IOERR_FSYNC;
    case Fault::kReadOnly:
      if (sync) break;
      state.met = true;
      return SQLITE_READONLY;
    case Fault::kKillAtSync:
      if (!sync) break;
      ::kill(::getpid(), SIGKILL);
      break;
    case Fault::kKill:
      ::kill(::getpid(), SIGKILL);
      break;
  }
  return SQLITE_OK;
}

sqlite3_io_methods make_methods() {
  sqlite3_io_methods made{};
  made.iVersion = 2;
  made.xClose = [](sqlite3_file* f) { return methods_of(f)->xClose(real_of(f)); };
  made.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
    return methods_of(f)->xRead(real_of(f), to, size, at);
  };
  made.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
    const int fault = fault_now(false);
    return fault != SQLITE_OK ? fault : methods_of(f)->xWrite(real_of(f), from, size, at);
  };
  made.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
    return methods_of(f)->xTruncate(real_of(f), size);
  };
  made.xSync = [](sqlite3_file* f, int flags) {
    const int fault = fault_now(true);
    return fault != SQLITE_OK ? fault : methods_of(f)->xSync(real_of(f), flags);
  };
  made.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return methods_of(f)->xFileSize(real_of(f), size);
  };
  made.xLock = [](sqlite3_file* f, int kind) { return methods_of(f)->xLock(real_of(f), kind); };
  made.xUnlock = [](sqlite3_file* f, int kind) { return methods_of(f)->xUnlock(real_of(f), kind); };
  made.xCheckReservedLock = [](sqlite3_file* f, int* held) {
    return methods_of(f)->xCheckReservedLock(real_of(f), held);
  };
  made.xFileControl = [](sqlite3_file* f, int op, void* argument) {
    return methods_of(f)->xFileControl(real_of(f), op, argument);
  };
  made.xSectorSize = [](sqlite3_file* f) { return methods_of(f)->xSectorSize(real_of(f)); };
  made.xDeviceCharacteristics = [](sqlite3_file* f) {
    return methods_of(f)->xDeviceCharacteristics(real_of(f));
  };
  made.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
    return methods_of(f)->xShmMap(real_of(f), page, size, extend, to);
  };
  made.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    return methods_of(f)->xShmLock(real_of(f), offset, n, flags);
  };
  made.xShmBarrier = [](sqlite3_file* f) { methods_of(f)->xShmBarrier(real_of(f)); };
  made.xShmUnmap = [](sqlite3_file* f, int remove) { return methods_of(f)->xShmUnmap(real_of(f), remove); };
  return made;
}

sqlite3_vfs* usual = nullptr;
sqlite3_vfs shim;

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  static const sqlite3_io_methods kMethods = make_methods();
  File* made = file_of(file);
  made->base.pMethods = nullptr;
  made->real()->pMethods = nullptr;
  const int result = usual->xOpen(usual, name, made->real(), flags, out_flags);
  if (made->real()->pMethods != nullptr) made->base.pMethods = &kMethods;
  return result;
}

}  // namespace

FaultyDisk::FaultyDisk() {
  state = State();
  usual = sqlite3_vfs_find(nullptr);
  shim = *usual;
  shim.zName = "faulty";
  shim.szOsFile = static_cast<int>(sizeof(File)) + usual->szOsFile;
  shim.xOpen = open_file;
  sqlite3_vfs_register(&shim, 1);
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(&shim);
  sqlite3_vfs_register(usual, 1);
}

void FaultyDisk::break_after(std::int64_t after, Fault fault) {
  state.fault = fault;
  state.fails_at = state.calls + after;
  state.met = false;
}
bool FaultyDisk::met() const { return state.met; }
std::int64_t FaultyDisk::calls() const { return state.calls; }

}  // namespace fairlead::ledger
