#include "host/launch.h"

#include "base/files.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

namespace fairlead::host {
namespace {

// What the account database says of an account; an account without a name has its number as its group.
struct Account {
  uid_t user = 0;
  gid_t group = 0;
  std::string name;
  std::string home = "/";
  std::string shell = "/bin/sh";
};

Account find_account(uid_t user) {
  Account account;
  account.user = user;
  account.group = user;
  account.name = std::to_string(user);
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return account;
  }
  account.group = found->pw_gid;
  account.name = found->pw_name;
  account.home = found->pw_dir;
  if (found->pw_shell != nullptr && *found->pw_shell != '\0') account.shell = found->pw_shell;
  return account;
}

// Runs in the new process, which has one thread; what it returns is why it could not go on.
class Child {
 public:
  Child(const Launch& launch, int gate) : launch_(launch), gate_(gate), parent_(getppid()) {}

  std::string run() {
    reset_signals();
    setsid();
    if (auto why = take_streams(); !why.empty()) return why;
    if (!released()) _exit(0);
    if (launch_.group) {
      if (auto entered = launch_.group->enter(); !entered)
        return entered.error().in("control group").message();
    }
    if (auto why = become_account(); !why.empty()) return why;
    if (auto why = enter_directory(); !why.empty()) return why;
    // A parent that is gone cannot tell how this process ends: it must not outlive it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent_) _exit(0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
      return base::system_error("forbid new privileges").message();
    umask(022);
    execute();
    const std::string& program = launch_.command.front();
    if (errno == ENOENT)
      return "command: there is no program \"" + program + "\"; give its path, or set PATH";
    return base::system_error("command: run \"" + program + "\"").message();
  }

 private:
  static void reset_signals() {
    for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  std::string take_streams() const {
    const std::array<int, 3> streams = {launch_.input, launch_.output, launch_.error};
    for (int number = 0; number < 3; ++number) {
      if (dup2(streams[static_cast<std::size_t>(number)], number) < 0) {
        return base::system_error("attach stream").message();
      }
    }
    if (launch_.terminal && ioctl(0, TIOCSCTTY, 0) != 0)
      return base::system_error("take the terminal").message();
    // Everything else of the parent's is closed by the exec.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    return {};
  }

  bool released() const {
    char byte = 0;
    ssize_t got = 0;
    do {
      got = read(gate_, &byte, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1;
  }

  std::string become_account() const {
    if (!launch_.account || *launch_.account == geteuid()) return {};
    const Account account = find_account(*launch_.account);
    const bool named = account.name != std::to_string(account.user);
    const int groups = named ? initgroups(account.name.c_str(), account.group) : setgroups(0, nullptr);
    if (groups != 0 || setresgid(account.group, account.group, account.group) != 0 ||
        setresuid(account.user, account.user, account.user) != 0) {
      return base::system_error("account: become account " + account.name).message();
    }
    if (setuid(0) == 0 && account.user != 0) return "account: could become root again";
    return {};
  }

  std::string enter_directory() const {
    std::string folder = launch_.working_directory;
    if (folder.empty()) folder = find_account(launch_.account.value_or(geteuid())).home;
    if (chdir(folder.c_str()) == 0) return {};
    return base::system_error("workingDirectory: enter " + folder).message();
  }

  void execute() const {
    std::vector<std::string> texts;
    for (const auto& [name, value] : account_environment(launch_.environment, launch_.account)) {
      texts.push_back(name + "=" + value);
    }
    std::vector<char*> variables;
    for (std::string& text : texts) variables.push_back(text.data());
    variables.push_back(nullptr);
    std::vector<std::string> words = launch_.command;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    environ = variables.data();  // where execvp finds PATH
    execvp(arguments[0], arguments.data());
  }

  const Launch& launch_;
  int gate_;
  pid_t parent_;
};

}  // namespace

NamedValues account_environment(const NamedValues& given, std::optional<std::uint32_t> account) {
  const Account owner = find_account(account.value_or(geteuid()));
  NamedValues environment = given;
  const auto complete = [&](const char* name, const std::string& value) {
    const bool present =
        std::any_of(given.begin(), given.end(), [&](const auto& variable) { return variable.first == name; });
    if (!present) environment.emplace_back(name, value);
  };
  complete("HOME", owner.home);
  complete("USER", owner.name);
  complete("LOGNAME", owner.name);
  complete("SHELL", owner.shell);
  complete("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  return environment;
}

base::Result<HeldProcess> HeldProcess::fork(const Launch& launch) {
  if (launch.command.empty()) return base::invalid_argument("command: is empty; name a program");
  std::array<int, 2> gate{};
  std::array<int, 2> failure{};
  if (pipe2(gate.data(), O_CLOEXEC) != 0) return base::system_error("make a pipe");
  base::Descriptor gate_out(gate[0]);
  base::Descriptor gate_in(gate[1]);
  if (pipe2(failure.data(), O_CLOEXEC) != 0) return base::system_error("make a pipe");
  base::Descriptor failure_out(failure[0]);
  base::Descriptor failure_in(failure[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return base::system_error("start a process");
  if (pid == 0) {
    gate_in.reset();
    failure_out.reset();
    const std::string why = Child(launch, gate_out.get()).run();
    // Nobody is left to tell when this fails.
    [[maybe_unused]] const ssize_t told = write(failure_in.get(), why.data(), why.size());
    _exit(127);
  }
  return HeldProcess(pid, std::move(gate_in), std::move(failure_out));
}

base::Result<void> HeldProcess::release() {
  if (write(gate_.get(), "g", 1) != 1) return base::system_error("release the process");
  gate_.reset();
  std::string why;
  std::array<char, 1024> buffer;
  for (;;) {
    const ssize_t got = read(failure_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    why.append(buffer.data(), static_cast<std::size_t>(got));
  }
  failure_.reset();
  if (why.empty()) return {};
  return base::Error(base::Code::kFailedPrecondition, why);
}

}  // namespace fairlead::host
