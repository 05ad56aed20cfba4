#include "net/answer_head.h"

#include "base/json_writer.h"
#include "net/headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace fairlead::net {
namespace {

bool is_framing(std::string_view name) {
  return name == "content-length" || name == "transfer-encoding" || name == "connection";
}

bool is_sound(const HttpResponse& response) {
  return response.status >= 100 && response.status <= 999 && is_header_value(response.content_type) &&
         std::all_of(response.headers.begin(), response.headers.end(), [](const auto& field) {
           return is_header_name(field.first) && is_header_value(field.second);
         });
}

}  // namespace

std::string answer_head(const HttpResponse& response, const AnswerFraming& framing,
                        std::optional<base::Time> date) {
  const bool sound = is_sound(response);
  const int status = sound ? response.status : 500;
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  if (date) add("Date", format_http_date(*date));
  if (sound) {
    if (!response.content_type.empty() && status_has_body(status)) add("Content-Type", response.content_type);
    for (const auto& [name, value] : response.headers) {
      if (!is_framing(lower_case(name))) add(name, value);
    }
  }
  if (status_has_body(status)) {
    if (framing.length) {
      add("Content-Length", fmt::format_int(*framing.length).c_str());
    } else if (framing.chunked) {
      add("Transfer-Encoding", "chunked");
    }
  }
  add("Connection", framing.keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

HttpResponse problem(int status, std::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  base::JsonWriter json(response.body);
  json.begin_object();
  json.member("title", reason_phrase(status));
  json.member("status", status);
  json.member("detail", detail);
  json.end_object();
  response.body += '\n';
  return response;
}

std::string format_http_date(base::Time time) {
  using namespace std::chrono;
  const sys_seconds seconds{std::chrono::seconds(time.unix_nanoseconds() / 1'000'000'000)};
  const auto day = floor<days>(seconds);
  const year_month_day date{day};
  const hh_mm_ss clock{seconds - day};
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

}  // namespace fairlead::net
