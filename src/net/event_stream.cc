#include "net/event_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fairlead::net {
namespace {

std::string without(std::string_view text, std::string_view left_out) {
  std::string out(text);
  std::erase_if(out, [&](char c) { return left_out.find(c) != left_out.npos; });
  return out;
}

}  // namespace

std::string write_event(const ServerEvent& event) {
  std::string out;
  if (!event.name.empty()) out += fmt::format("event: {}\n", without(event.name, "\r\n"));
  if (!event.id.empty()) out += fmt::format("id: {}\n", without(event.id, std::string_view("\r\n\0", 3)));
  if (event.retry) out += fmt::format("retry: {}\n", event.retry->nanoseconds() / 1'000'000);
  std::string_view rest = event.data;
  while (true) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    out.append("data: ").append(rest.substr(0, end)).append("\n");
    if (end == rest.size()) break;
    rest.remove_prefix(rest.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
  return out + "\n";
}

std::string write_heartbeat() { return ":\n\n"; }

bool EventStreamReader::feed(std::string_view bytes, const std::function<bool(const ServerEvent&)>& take) {
  for (const char c : bytes) {
    if (std::exchange(after_return_, false) && c == '\n') continue;
    if (c == '\r' || c == '\n') {
      after_return_ = c == '\r';
      if (!take_line(take)) return false;
      line_.clear();
      continue;
    }
    line_ += c;
    if (line_.size() + event_.data.size() > max_bytes_) return false;
  }
  return true;
}

bool EventStreamReader::take_line(const std::function<bool(const ServerEvent&)>& take) {
  std::string_view line = line_;
  if (std::exchange(first_, false) && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.empty()) {
    ServerEvent event = std::exchange(event_, {});
    if (!std::exchange(has_data_, false)) return true;
    event.data.pop_back();  // the line feed behind the last line
    event.id = last_id_;
    return take(event);
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    event_.data.append(value).append("\n");
    has_data_ = true;
  } else if (field == "event") {
    event_.name = value;
  } else if (field == "id") {
    if (value.find('\0') == value.npos) last_id_ = value;
  } else if (field == "retry") {
    std::int64_t milliseconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    const bool plain = error == std::errc() && end == value.data() + value.size() && value.front() != '-';
    if (plain && milliseconds < 1'000'000'000) event_.retry = base::Duration::milliseconds(milliseconds);
  }
  return true;
}

}  // namespace fairlead::net
