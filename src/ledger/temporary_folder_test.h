#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace fairlead::ledger {

/// A folder of one test, gone after it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    // In memory where there is such a place: the tests sync often, and none of them loses power.
    const bool memory = ::access("/dev/shm", W_OK | X_OK) == 0;
    const std::string where = memory ? "/dev/shm" : std::filesystem::temp_directory_path().string();
    std::string name = where + "/fairlead-ledger-XXXXXX";
    path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name = "fairlead.db") const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fairlead::ledger
