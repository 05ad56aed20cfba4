// What comes from the network: requests, answers, targets and event streams. Read in pieces they mean the
// same as read at once; what a target decodes to stays inside the tree of paths.
#include "demand.h"
#include "net/event_stream.h"
#include "net/message_parser.h"
#include "net/url.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace fairlead;

namespace {

struct Reading {
  net::MessageParser::State state = net::MessageParser::State::kHead;
  net::Headers headers;
  std::string target;
  std::string body;
  std::size_t used = 0;

  friend bool operator==(const Reading&, const Reading&) = default;
};

// As a connection reads: what the parser leaves comes again, with more behind it.
Reading read(net::MessageParser& parser, std::string_view text, std::size_t piece) {
  using State = net::MessageParser::State;
  Reading out;
  std::string input;
  std::size_t given = 0;
  while (parser.state() == State::kHead || parser.state() == State::kBody) {
    const State before = parser.state();
    const std::size_t used = parser.feed(input);
    fuzz::demand(used <= input.size());
    input.erase(0, used);
    out.used += used;
    out.body += parser.take_body();
    if (used > 0 || parser.state() != before) continue;
    if (given == text.size()) break;
    input += text.substr(given, piece);
    given = std::min(given + piece, text.size());
  }
  out.state = parser.state();
  // A mistake may be noticed at once or only with the end of its line; what counts is what is taken for
  // whole.
  if (out.state != State::kComplete) return {State::kFailed, {}, {}, {}, 0};
  out.headers = parser.head().headers;
  out.target = parser.head().target;
  return out;
}

void check_target(std::string_view text) {
  const auto target = net::parse_target(text);
  if (!target) return;
  fuzz::demand(target->path.starts_with('/') && net::is_utf8(target->path));
  fuzz::demand((target->path + "/").find("/../") == std::string::npos);
  fuzz::demand((target->path + "/").find("/./") == std::string::npos);
  fuzz::demand(target->path.find_first_of(std::string_view("\0\r\n\\", 4)) == std::string::npos);
  const auto query = net::decode_query(net::encode_query(target->query));
  fuzz::demand(query.ok() && *query == target->query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  net::MessageParser::Limits limits;
  limits.head_bytes = 4096;
  limits.body_bytes = 4096;
  const auto whole = net::MessageParser::for_request(limits);
  const Reading request = read(*whole, text, text.size() + 1);
  fuzz::demand(request == read(*net::MessageParser::for_request(limits), text, piece));
  if (whole->state() == net::MessageParser::State::kComplete) check_target(request.target);
  const Reading answer = read(*net::MessageParser::for_answer(limits, false), text, text.size() + 1);
  fuzz::demand(answer == read(*net::MessageParser::for_answer(limits, false), text, piece));
  check_target(text);
  fuzz::demand(net::percent_decode(net::percent_encode(text)) == std::string(text));
  static_cast<void>(net::parse_url(text));
  std::vector<net::ServerEvent> events;
  net::EventStreamReader reader;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.feed(text.substr(at, piece), [&](const net::ServerEvent& event) {
      events.push_back(event);
      return true;
    });
  }
  for (const net::ServerEvent& event : events) {
    net::EventStreamReader again;
    int count = 0;
    again.feed(net::write_event(event), [&](const net::ServerEvent& same) {
      fuzz::demand(same.data == event.data && same.name == event.name);
      ++count;
      return true;
    });
    fuzz::demand(count == 1);
  }
  return 0;
}
