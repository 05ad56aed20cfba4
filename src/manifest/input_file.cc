#include "manifest/input_file.h"

#include "base/descriptor.h"
#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace fairlead::manifest {
namespace {

namespace fs = std::filesystem;

bool pour(int from, int to) {
  std::vector<char> buffer(1U << 20U);
  while (true) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    for (ssize_t done = 0; done < count;) {
      const ssize_t written = ::write(to, buffer.data() + done, static_cast<std::size_t>(count - done));
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) done += written;
    }
  }
}

}  // namespace

base::Result<std::vector<std::string>> input_files(const std::string& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (auto entry =
           fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, code);
       !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
    const std::string extension = entry->path().extension().string();
    const bool wanted = extension == ".json" || extension == ".yaml" || extension == ".yml";
    if (wanted && entry->is_regular_file(code)) files.push_back(entry->path().string());
  }
  if (code)
    return base::Error(base::Code::kPermissionDenied, fmt::format("read {}: {}", path, code.message()));
  if (files.empty()) return base::not_found(fmt::format("{} holds no .json, .yaml or .yml file", path));
  std::sort(files.begin(), files.end());
  return files;
}

InputFile::~InputFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

base::Result<void> InputFile::open(const std::string& path) {
  base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!file.valid() || fstat(file.get(), &status) != 0) return base::system_error("read " + path);
  if (S_ISREG(status.st_mode)) return map(file.get(), static_cast<std::size_t>(status.st_size), path);
  const base::Descriptor copy(
      ::open(fs::temp_directory_path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!copy.valid() || !pour(file.get(), copy.get()) || fstat(copy.get(), &status) != 0)
    return base::system_error("read " + path);
  return map(copy.get(), static_cast<std::size_t>(status.st_size), path);
}

base::Result<void> InputFile::map(int file, std::size_t size, const std::string& path) {
  if (size == 0) return {};
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) return base::system_error("read " + path);
  data_ = data;
  size_ = size;
  madvise(data_, size_, MADV_SEQUENTIAL);
  return {};
}

void InputFile::forget_before(std::size_t position) {
  constexpr std::size_t kPiece = 8U << 20U;  // a multiple of every page size
  const std::size_t end = std::min(position, size_) / kPiece * kPiece;
  if (end <= forgotten_) return;
  madvise(static_cast<char*>(data_) + forgotten_, end - forgotten_, MADV_DONTNEED);
  forgotten_ = end;
}

}  // namespace fairlead::manifest
