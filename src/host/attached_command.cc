#include "host/attached_command.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "base/json_reader.h"
#include "host/message_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <algorithm>

namespace fairlead::host {
namespace {

constexpr base::Duration kPatience = base::Duration::seconds(10);

std::string encode(const AttachRequest& request) {
  std::string json;
  base::JsonWriter writer(json);
  writer.begin_object();
  writer.member("do", "exec");
  write_texts(writer, "command", request.command);
  write_pairs(writer, "environment", request.environment);
  writer.member("terminal", request.terminal);
  writer.member("rows", request.rows);
  writer.member("columns", request.columns);
  writer.end_object();
  return json;
}

// The next message, or an error when none comes in time.
base::Result<Message> await_message(int socket, base::Duration deadline) {
  Message message;
  for (;;) {
    switch (receive_message(socket, message)) {
      case Received::kMessage:
        return message;
      case Received::kEnd:
        return base::not_found("the workload ended");
      case Received::kNothingYet:
        break;
    }
    const base::Duration left = deadline - base::monotonic_time();
    pollfd watched{socket, POLLIN, 0};
    const auto milliseconds = static_cast<int>(std::max<std::int64_t>(left.nanoseconds() / 1'000'000, 0));
    if (poll(&watched, 1, milliseconds) == 0) {
      return base::Error(base::Code::kUnavailable, "the supervisor does not answer");
    }
  }
}

}  // namespace

base::Result<AttachedCommand> AttachedCommand::start(const std::string& folder,
                                                     const AttachRequest& request) {
  if (request.command.empty()) return base::invalid_argument("command: is empty; name a program");
  auto socket = connect_to(ReplicaPaths(folder).socket);
  if (!socket) {
    if (socket.error().code() == base::Code::kNotFound) return base::not_found("the workload does not run");
    return socket.error();
  }
  if (auto sent = send_message(socket->get(), encode(request)); !sent) return sent.error();
  const base::Duration deadline = base::monotonic_time() + kPatience;
  for (;;) {
    auto message = await_message(socket->get(), deadline);
    if (!message) return message.error();
    base::JsonReader reader;
    const auto object = reader.read(message->text);
    if (!object) return object.error();
    if ((*object)->find("error") != nullptr) {
      return base::Error(base::Code::kFailedPrecondition, text_field(**object, "error"));
    }
    if ((*object)->find("exec") == nullptr) continue;  // the state comes first
    const std::size_t expected = request.terminal ? 1 : 3;
    if (message->descriptors.size() != expected) {
      return base::Error(base::Code::kUnavailable,
                         "the streams of the command did not arrive: too many files are open");
    }
    for (const base::Descriptor& stream : message->descriptors) fcntl(stream.get(), F_SETFL, O_NONBLOCK);
    AttachedCommand command;
    command.socket_ = std::move(*socket);
    if (request.terminal) {
      command.terminal_ = std::move(message->descriptors[0]);
    } else {
      command.input_ = std::move(message->descriptors[0]);
      command.output_ = std::move(message->descriptors[1]);
      command.error_ = std::move(message->descriptors[2]);
    }
    return command;
  }
}

base::Result<void> AttachedCommand::resize(int rows, int columns) const {
  if (!terminal_.valid()) return {};
  winsize size{};
  size.ws_row = static_cast<unsigned short>(std::clamp(rows, 1, 65535));
  size.ws_col = static_cast<unsigned short>(std::clamp(columns, 1, 65535));
  if (ioctl(terminal_.get(), TIOCSWINSZ, &size) != 0) return base::system_error("resize the terminal");
  return {};
}

std::optional<ProcessExit> AttachedCommand::exit() {
  Message message;
  while (!exit_) {
    const Received received = receive_message(socket_.get(), message);
    if (received == Received::kNothingYet) return std::nullopt;
    if (received == Received::kEnd) {
      exit_ = ProcessExit{std::nullopt, SIGKILL};  // the supervisor went, and its children with it
      break;
    }
    base::JsonReader reader;
    const auto object = reader.read(message.text);
    if (!object) continue;
    const base::JsonValue* told = (*object)->find("exit");
    if (told == nullptr) continue;
    exit_.emplace();
    if (const auto code = integer_field(*told, "code")) exit_->code = static_cast<int>(*code);
    if (const auto number = integer_field(*told, "signal")) exit_->signal = static_cast<int>(*number);
  }
  return exit_;
}

}  // namespace fairlead::host
