// The workload of the crash test: claims its devices for as long as it lives, and tells when somebody else
// has them. Usage: crash_worker FOLDER MILLISECONDS FOLDER/journal gets "start REPLICA PID" and, when a
// device is another's too, "double REPLICA DEVICE".

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

void write_line(const std::string& folder, std::string line) {
  line += '\n';
  const int file = open((folder + "/journal").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || write(file, line.data(), line.size()) < 0) std::abort();
  close(file);
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  const std::string folder = words[1];
  const std::string replica = variable("FAIRLEAD_REPLICA");
  const bool shared = variable("FAIRLEAD_DEVICE_THOUSANDTHS") != "1000";
  std::string devices = variable("FAIRLEAD_DEVICES");
  write_line(folder, "start " + replica + " " + std::to_string(getpid()));
  while (!devices.empty()) {
    const std::size_t comma = devices.find(',');
    const std::string device = devices.substr(0, comma);
    devices = comma == std::string::npos ? std::string() : devices.substr(comma + 1);
    // The lock lives as long as this process, however it ends.
    const int lock = open((folder + "/device-" + device).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return 3;
    if (flock(lock, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0)
      write_line(folder, "double " + replica + " " + device);
  }
  const long milliseconds = std::atol(words[2]);
  timespec left = {milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0) {
  }
  return 0;
}
