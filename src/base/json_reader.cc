#include "base/json_reader.h"

#include <simdjson.h>

#include <array>
#include <cstring>
#include <string>

namespace fairlead::base {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

Error not_json(std::string_view why) { return invalid_argument("not valid JSON: " + std::string(why)); }

}  // namespace

bool is_json_number(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const std::size_t first = i;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

class JsonReader::Implementation {
 public:
  Result<const JsonValue*> read(std::string_view text, std::size_t readable_after, std::string_view skipped) {
    skipped_ = skipped;
    builder_.reset();
    if (readable_after < simdjson::SIMDJSON_PADDING) {
      copy_.assign(text);
      copy_.append(simdjson::SIMDJSON_PADDING, ' ');
      text = std::string_view(copy_).substr(0, text.size());
      readable_after = simdjson::SIMDJSON_PADDING;
    }
    simdjson::ondemand::document document;
    if (auto error = parser_.iterate(text.data(), text.size(), text.size() + readable_after).get(document)) {
      return not_json(simdjson::error_message(error));
    }
    simdjson::ondemand::value root;
    if (auto error = document.get_value().get(root)) return not_json(simdjson::error_message(error));
    if (auto error = build(root)) {
      return error == simdjson::DEPTH_ERROR ? not_json("nested too deeply")
                                            : not_json(simdjson::error_message(error));
    }
    const char* end = nullptr;
    if (document.current_location().get(end) == simdjson::SUCCESS)
      return not_json("something follows the value");
    return &builder_.root();
  }

 private:
  simdjson::error_code build(simdjson::ondemand::value value) {
    simdjson::ondemand::json_type type;
    if (auto error = value.type().get(type)) return error;
    switch (type) {
      case simdjson::ondemand::json_type::object:
        return build_object(value);
      case simdjson::ondemand::json_type::array:
        return build_array(value);
      case simdjson::ondemand::json_type::string: {
        std::string_view text;
        if (auto error = value.get_string().get(text)) return error;
        builder_.string(text);
        return simdjson::SUCCESS;
      }
      case simdjson::ondemand::json_type::number: {
        const std::string_view digits = trimmed(value.raw_json_token());
        if (!is_json_number(digits)) return simdjson::NUMBER_ERROR;
        builder_.number(digits);
        // Consumes the token; what the library thinks of its size does not matter.
        double ignored = 0;
        if (auto error = value.get_double().get(ignored); error != simdjson::SUCCESS) {
          return error;
        }
        return simdjson::SUCCESS;
      }
      case simdjson::ondemand::json_type::boolean: {
        bool boolean = false;
        if (auto error = value.get_bool().get(boolean)) return error;
        builder_.boolean(boolean);
        return simdjson::SUCCESS;
      }
      case simdjson::ondemand::json_type::null: {
        bool null = false;
        if (auto error = value.is_null().get(null)) return error;
        if (!null) return simdjson::N_ATOM_ERROR;
        builder_.null();
        return simdjson::SUCCESS;
      }
    }
    return simdjson::TAPE_ERROR;
  }

  simdjson::error_code build_object(simdjson::ondemand::value value) {
    if (builder_.depth() >= kMaxDepth) return simdjson::DEPTH_ERROR;
    simdjson::ondemand::object object;
    if (auto error = value.get_object().get(object)) return error;
    builder_.begin_object();
    for (auto field : object) {
      std::string_view key;
      if (auto error = field.unescaped_key().get(key)) return error;
      simdjson::ondemand::value content;
      if (auto error = field.value().get(content)) return error;
      if (!skipped_.empty() && key == skipped_) {
        simdjson::ondemand::json_type type;
        if (auto error = content.type().get(type)) return error;
        if (type == simdjson::ondemand::json_type::array) continue;
      }
      builder_.key(key);
      if (auto error = build(content)) return error;
    }
    builder_.end();
    return simdjson::SUCCESS;
  }

  simdjson::error_code build_array(simdjson::ondemand::value value) {
    if (builder_.depth() >= kMaxDepth) return simdjson::DEPTH_ERROR;
    simdjson::ondemand::array array;
    if (auto error = value.get_array().get(array)) return error;
    builder_.begin_array();
    for (auto item : array) {
      simdjson::ondemand::value content;
      if (auto error = item.get(content)) return error;
      if (auto error = build(content)) return error;
    }
    builder_.end();
    return simdjson::SUCCESS;
  }

  simdjson::ondemand::parser parser_;
  JsonBuilder builder_;
  std::string copy_;
  std::string_view skipped_;
};

JsonReader::JsonReader() : implementation_(std::make_unique<Implementation>()) {}
JsonReader::~JsonReader() = default;

Result<const JsonValue*> JsonReader::read(std::string_view text, std::size_t readable_after) {
  return implementation_->read(text, readable_after, skipped_);
}

void JsonScanner::skip_space() {
  while (!at_end() && is_space(text_[position_])) ++position_;
}

bool JsonScanner::take(char c) {
  if (at_end() || text_[position_] != c) return false;
  ++position_;
  return true;
}

bool JsonScanner::skip_string() {
  ++position_;
  while (!at_end()) {
    const char* begin = text_.data() + position_;
    const auto* quote = static_cast<const char*>(std::memchr(begin, '"', text_.size() - position_));
    if (quote == nullptr) break;
    // An odd number of backslashes in front escapes the quote.
    std::size_t backslashes = 0;
    while (quote - backslashes > begin && *(quote - backslashes - 1) == '\\') ++backslashes;
    position_ = static_cast<std::size_t>(quote - text_.data()) + 1;
    if (backslashes % 2 == 0) return true;
  }
  position_ = text_.size();
  return false;
}

Result<std::string_view> JsonScanner::value() {
  skip_space();
  const std::size_t begin = position_;
  const auto slice = [&] { return text_.substr(begin, position_ - begin); };
  if (at_end()) return not_json("the text ends where a value is expected");
  if (peek() == '"') {
    if (!skip_string()) return not_json("a string does not end");
    return slice();
  }
  if (peek() != '{' && peek() != '[') {
    while (!at_end() && !is_space(peek()) && std::strchr(",]}:\"{[", peek()) == nullptr) ++position_;
    if (position_ == begin) return not_json("a value is missing");
    return slice();
  }
  std::size_t depth = 0;
  while (!at_end()) {
    switch (text_[position_]) {
      case '"':
        if (!skip_string()) return not_json("a string does not end");
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        --depth;
        break;
      default:
        break;
    }
    ++position_;
    if (depth == 0) return slice();
  }
  return not_json("the text ends inside an object or array");
}

Result<std::string_view> JsonScanner::key() {
  skip_space();
  const std::size_t begin = position_;
  if (peek() != '"' || !skip_string()) return not_json("the name of a member is missing");
  const std::string_view name = text_.substr(begin + 1, position_ - begin - 2);
  skip_space();
  if (!take(':')) return not_json("a colon is missing after the name of a member");
  return name;
}

}  // namespace fairlead::base
