// The grammar of CEL by recursive descent. Source: the language definition of the Common Expression Language.

#include "base/quantity.h"
#include "model/cel/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace fairlead::model::cel {
namespace {

struct Token {
  enum class Kind : std::uint8_t { kEnd, kName, kInteger, kDouble, kText, kSign };
  Kind kind = Kind::kEnd;
  std::string text;  ///< a text's characters, without quotes and escapes
  std::size_t position = 0;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Function {
  std::string_view name;
  std::size_t least;  ///< arguments, the one before the dot included
  std::size_t most;
};
/// Those called as name(...), then those called as value.name(...).
constexpr std::array<Function, 10> kFunctions = {{{"size", 1, 1},
                                                  {"quantity", 1, 1},
                                                  {"isQuantity", 1, 1},
                                                  {"semver", 1, 2},
                                                  {"isSemver", 1, 2},
                                                  {"int", 1, 1},
                                                  {"double", 1, 1},
                                                  {"string", 1, 1},
                                                  {"matches", 2, 2},
                                                  {"bool", 1, 1}}};
constexpr std::array<Function, 26> kMethods = {{{"size", 1, 1},
                                                {"startsWith", 2, 2},
                                                {"endsWith", 2, 2},
                                                {"contains", 2, 2},
                                                {"matches", 2, 2},
                                                {"lowerAscii", 1, 1},
                                                {"upperAscii", 1, 1},
                                                {"trim", 1, 1},
                                                {"indexOf", 2, 2},
                                                {"split", 2, 2},
                                                {"isGreaterThan", 2, 2},
                                                {"isLessThan", 2, 2},
                                                {"compareTo", 2, 2},
                                                {"add", 2, 2},
                                                {"sub", 2, 2},
                                                {"sign", 1, 1},
                                                {"isInteger", 1, 1},
                                                {"asInteger", 1, 1},
                                                {"asApproximateFloat", 1, 1},
                                                {"major", 1, 1},
                                                {"minor", 1, 1},
                                                {"patch", 1, 1},
                                                {"orValue", 2, 2},
                                                {"hasValue", 1, 1},
                                                {"value", 1, 1},
                                                {"includes", 2, 2}}};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  base::Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (true) {
      skip();
      Token token;
      token.position = position_;
      if (position_ >= text_.size()) {
        tokens.push_back(token);
        return tokens;
      }
      const char c = text_[position_];
      base::Result<void> read;
      if (quote_ahead()) {
        read = text_token(token);
      } else if (is_letter(c)) {
        token.kind = Token::Kind::kName;
        while (position_ < text_.size() && (is_letter(text_[position_]) || is_digit(text_[position_])))
          token.text += text_[position_++];
      } else if (is_digit(c) ||
                 (c == '.' && position_ + 1 < text_.size() && is_digit(text_[position_ + 1]))) {
        number_token(token);
      } else {
        read = sign_token(token);
      }
      if (!read) return read.error();
      tokens.push_back(std::move(token));
    }
  }

 private:
  base::Error problem(std::string_view why, std::size_t position) const {
    return base::invalid_argument(fmt::format("at character {}: {}", position + 1, why));
  }

  void skip() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++position_;
      } else if (text_.substr(position_).starts_with("//")) {
        position_ = std::min(text_.find('\n', position_), text_.size());
      } else {
        return;
      }
    }
  }

  bool quote_ahead() const {
    const char c = text_[position_];
    if (c == '"' || c == '\'') return true;
    const bool raw = c == 'r' || c == 'R';
    return raw && position_ + 1 < text_.size() &&
           (text_[position_ + 1] == '"' || text_[position_ + 1] == '\'');
  }

  base::Result<void> text_token(Token& token) {
    token.kind = Token::Kind::kText;
    const bool raw = text_[position_] == 'r' || text_[position_] == 'R';
    if (raw) ++position_;
    const std::size_t begin = position_;
    const std::string quote = text_.substr(position_).starts_with(std::string(3, text_[position_]))
                                  ? std::string(3, text_[position_])
                                  : std::string(1, text_[position_]);
    position_ += quote.size();
    while (position_ < text_.size()) {
      if (text_.substr(position_).starts_with(quote)) {
        position_ += quote.size();
        return {};
      }
      const char c = text_[position_++];
      if (c == '\n' && quote.size() == 1) break;
      if (c != '\\' || raw) {
        token.text += c;
      } else if (auto escaped = escape(token.text); !escaped) {
        return escaped;
      }
    }
    return problem("a text does not end", begin);
  }

  static void append_code_point(std::string& out, std::uint32_t point) {
    const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
    if (point < 0x80) {
      byte(point);
    } else if (point < 0x800) {
      byte(0xC0 | (point >> 6U));
      byte(0x80 | (point & 0x3FU));
    } else if (point < 0x10000) {
      byte(0xE0 | (point >> 12U));
      byte(0x80 | ((point >> 6U) & 0x3FU));
      byte(0x80 | (point & 0x3FU));
    } else {
      byte(0xF0 | (point >> 18U));
      byte(0x80 | ((point >> 12U) & 0x3FU));
      byte(0x80 | ((point >> 6U) & 0x3FU));
      byte(0x80 | (point & 0x3FU));
    }
  }

  base::Result<void> escape(std::string& out) {
    constexpr std::string_view kLetters = "abfnrtv\\?\"'`";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\?\"'`";
    const std::size_t begin = position_ - 1;
    if (position_ >= text_.size()) return problem("a text does not end", begin);
    const char c = text_[position_++];
    if (const std::size_t known = kLetters.find(c); known != std::string_view::npos) {
      out += kMeanings[known];
      return {};
    }
    const std::size_t digits = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0 || position_ + digits > text_.size())
      return problem("an escape in a text is not known", begin);
    std::uint32_t point = 0;
    const char* from = text_.data() + position_;
    const auto [end, error] = std::from_chars(from, from + digits, point, 16);
    if (error != std::errc() || end != from + digits || point > 0x10FFFF)
      return problem("an escape in a text is not known", begin);
    position_ += digits;
    append_code_point(out, point);
    return {};
  }

  void number_token(Token& token) {
    token.kind = Token::Kind::kInteger;
    const bool hexadecimal = text_.substr(position_).starts_with("0x");
    while (position_ < text_.size()) {
      const char c = text_[position_];
      const bool exponent_sign = (c == '+' || c == '-') && !hexadecimal && !token.text.empty() &&
                                 (token.text.back() == 'e' || token.text.back() == 'E');
      if (!is_digit(c) && !is_letter(c) && c != '.' && !exponent_sign) break;
      if (!hexadecimal && (c == '.' || c == 'e' || c == 'E')) token.kind = Token::Kind::kDouble;
      token.text += c;
      ++position_;
    }
  }

  base::Result<void> sign_token(Token& token) {
    token.kind = Token::Kind::kSign;
    constexpr std::array<std::string_view, 27> kSigns = {"&&", "||", "==", "!=", "<=", ">=", ".?", "[?", "<",
                                                         ">",  "+",  "-",  "*",  "/",  "%",  "!",  "(",  ")",
                                                         "[",  "]",  "{",  "}",  ",",  ":",  "?",  ".",  ";"};
    for (std::string_view sign : kSigns) {
      if (!text_.substr(position_).starts_with(sign)) continue;
      token.text = sign;
      position_ += sign.size();
      return {};
    }
    return problem("a character that is not part of CEL", position_);
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  base::Result<Expression> run() {
    expression_.root_ = conditional();
    if (!failure_ && token().kind != Token::Kind::kEnd) fail("something follows the expression");
    if (failure_) return *failure_;
    return std::move(expression_);
  }

 private:
  using Kind = Node::Kind;

  /// The first problem is told. What comes after it does not count, so a number is as good as any.
  std::uint32_t fail(std::string_view why) {
    if (!failure_)
      failure_ = base::invalid_argument(fmt::format("at character {}: {}", token().position + 1, why));
    return 0;
  }
  const Token& token() const { return tokens_[at_]; }
  bool is(std::string_view sign) const {
    return !failure_ && token().kind == Token::Kind::kSign && token().text == sign;
  }
  bool take(std::string_view sign) {
    if (!is(sign)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view sign) {
    if (!take(sign)) fail(fmt::format("{} is missing", sign));
  }
  std::uint32_t add(Node node) {
    if (failure_) return 0;
    expression_.nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(expression_.nodes_.size() - 1);
  }
  std::uint32_t add(Kind kind, std::vector<std::uint32_t> args, std::string text = {}) {
    Node node;
    node.kind = kind;
    node.args = std::move(args);
    node.text = std::move(text);
    return add(std::move(node));
  }
  std::uint32_t literal(Value value) {
    Node node;
    node.literal = std::move(value);
    return add(std::move(node));
  }

  /// Counts how deep the parser is in itself.
  struct Depth {
    explicit Depth(Parser& owner) : parser(owner) {
      if (++parser.depth_ > Expression::kDeepest && !parser.failure_)
        parser.failure_ =
            base::Error(base::Code::kResourceExhausted,
                        fmt::format("at character {}: nested too deeply", parser.token().position + 1));
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --parser.depth_; }
    Parser& parser;
  };

  std::uint32_t conditional() {
    const Depth depth(*this);
    if (failure_) return 0;
    const std::uint32_t condition = disjunction();
    if (!take("?")) return condition;
    const std::uint32_t then = disjunction();
    expect(":");
    const std::uint32_t otherwise = conditional();
    return add(Kind::kConditional, {condition, then, otherwise});
  }

  /// Of many parts in a row one node is made, so that the tree stays flat.
  std::uint32_t row(std::string_view sign, Kind kind, std::uint32_t (Parser::*part)()) {
    std::vector<std::uint32_t> parts = {(this->*part)()};
    while (take(sign)) parts.push_back((this->*part)());
    return parts.size() == 1 ? parts.front() : add(kind, std::move(parts));
  }
  std::uint32_t disjunction() { return row("||", Kind::kOr, &Parser::conjunction); }
  std::uint32_t conjunction() { return row("&&", Kind::kAnd, &Parser::relation); }

  std::uint32_t relation() {
    std::uint32_t left = sum();
    while (!failure_) {
      std::string sign;
      for (std::string_view known : {"==", "!=", "<=", ">=", "<", ">"})
        if (sign.empty() && take(known)) sign = known;
      if (sign.empty() && token().kind == Token::Kind::kName && token().text == "in") {
        ++at_;
        sign = "in";
      }
      if (sign.empty()) return left;
      left = binary(left, std::move(sign), sum());
    }
    return left;
  }

  std::uint32_t sum() {
    std::uint32_t left = product();
    while (is("+") || is("-")) {
      std::string sign = token().text;
      ++at_;
      left = binary(left, std::move(sign), product());
    }
    return left;
  }
  std::uint32_t product() {
    std::uint32_t left = unary();
    while (is("*") || is("/") || is("%")) {
      std::string sign = token().text;
      ++at_;
      left = binary(left, std::move(sign), unary());
    }
    return left;
  }
  /// A row of operators is a tree as deep as it is long, and is evaluated so.
  std::uint32_t binary(std::uint32_t left, std::string sign, std::uint32_t right) {
    if (++operators_ > Expression::kDeepest) return fail("too many operators; split the selector");
    return add(Kind::kBinary, {left, right}, std::move(sign));
  }

  std::uint32_t unary() {
    const Depth depth(*this);
    if (failure_) return 0;
    if (take("!")) return add(Kind::kNot, {unary()});
    if (take("-")) {
      // The least integer has no positive counterpart.
      if (token().kind == Token::Kind::kInteger || token().kind == Token::Kind::kDouble) {
        const std::uint32_t number = number_literal("-");
        return postfix(number);
      }
      return add(Kind::kNegate, {unary()});
    }
    return postfix(primary());
  }

  std::uint32_t number_literal(std::string_view sign) {
    const Token& number = token();
    std::string text = std::string(sign) + number.text;
    if (number.kind == Token::Kind::kDouble) {
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) return fail("not a number");
      ++at_;
      return literal(Value::of(value));
    }
    if (text.ends_with('u') || text.ends_with('U')) text.pop_back();
    int base = 10;
    if (const std::size_t prefix = text.find("0x"); prefix != std::string::npos) {
      base = 16;
      text.erase(prefix, 2);
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return fail("not a number of 64 bits");
    ++at_;
    return literal(Value::of(value));
  }

  std::uint32_t postfix(std::uint32_t value) {
    int links = 0;
    while (!failure_) {
      if (++links > Expression::kDeepest) return fail("too many selections in a row");
      if (take(".?")) {
        value = add(Kind::kOptionalSelect, {value}, name("a field"));
      } else if (take("[?")) {
        const std::uint32_t key = conditional();
        expect("]");
        value = add(Kind::kOptionalIndex, {value, key});
      } else if (take("[")) {
        const std::uint32_t key = conditional();
        expect("]");
        value = add(Kind::kIndex, {value, key});
      } else if (take(".")) {
        std::string field = name("a field");
        value = is("(") ? method(value, std::move(field)) : field_of(value, std::move(field));
      } else {
        return value;
      }
    }
    return value;
  }

  std::uint32_t field_of(std::uint32_t value, std::string field) {
    const Node& from = expression_.nodes_[value];
    if (from.kind == Kind::kName && from.text == "device" && field != "driver" && field != "attributes" &&
        field != "capacity" && field != "allowMultipleAllocations")
      return fail(fmt::format(
          "a device has no {} here; it has driver, attributes, capacity and allowMultipleAllocations",
          field));
    return add(Kind::kSelect, {value}, std::move(field));
  }

  std::string name(std::string_view what) {
    if (failure_ || token().kind != Token::Kind::kName) {
      fail(fmt::format("the name of {} is missing", what));
      return {};
    }
    return tokens_[at_++].text;
  }

  std::vector<std::uint32_t> arguments() {
    std::vector<std::uint32_t> list;
    expect("(");
    if (take(")")) return list;
    do {
      list.push_back(conditional());
    } while (take(","));
    expect(")");
    return list;
  }

  std::uint32_t method(std::uint32_t value, std::string called) {
    const Node& from = expression_.nodes_[value];
    if (from.kind == Kind::kName && from.text == "cel" && called == "bind") return bind();
    const bool macro = called == "all" || called == "exists" || called == "exists_one" ||
                       called == "filter" || called == "map";
    if (macro) return comprehension(value, std::move(called));
    std::vector<std::uint32_t> list = arguments();
    list.insert(list.begin(), value);
    return call(std::move(called), std::move(list), true);
  }

  std::uint32_t call(std::string called, std::vector<std::uint32_t> list, bool method) {
    if (failure_) return 0;
    const Function* known = nullptr;
    if (method) {
      for (const Function& each : kMethods)
        if (each.name == called) known = &each;
    } else {
      for (const Function& each : kFunctions)
        if (each.name == called) known = &each;
    }
    if (known == nullptr)
      return fail(fmt::format("the function {}() is not among those that selectors have here", called));
    if (list.size() < known->least || list.size() > known->most)
      return fail(fmt::format("the function {}() takes another number of arguments", called));
    Node node;
    node.kind = Kind::kCall;
    node.text = (method ? "." : "") + called;
    if (called == "matches") {
      const Node& pattern = expression_.nodes_[list[1]];
      if (pattern.kind == Kind::kLiteral && pattern.literal.kind == Value::Kind::kText) {
        auto compiled = Pattern::compile(pattern.literal.text);
        if (!compiled) return fail(compiled.error().message());
        node.pattern = std::make_shared<const Pattern>(std::move(*compiled));
      }
    }
    node.args = std::move(list);
    return add(std::move(node));
  }

  std::uint32_t bind() {
    expect("(");
    std::string variable = name("a variable");
    expect(",");
    const std::uint32_t value = conditional();
    expect(",");
    variables_.push_back(variable);
    const std::uint32_t body = conditional();
    variables_.pop_back();
    expect(")");
    return add(Kind::kBind, {value, body}, std::move(variable));
  }

  std::uint32_t comprehension(std::uint32_t list, std::string macro) {
    expect("(");
    std::string variable = name("a variable");
    expect(",");
    variables_.push_back(variable);
    std::vector<std::uint32_t> args = {list, conditional()};
    if (macro == "map" && take(",")) args.push_back(conditional());
    variables_.pop_back();
    expect(")");
    Node node;
    node.kind = Kind::kMacro;
    node.text = std::move(macro);
    node.variable = std::move(variable);
    node.args = std::move(args);
    return add(std::move(node));
  }

  std::uint32_t test_of_presence() {
    expect("(");
    const std::uint32_t tested = conditional();
    expect(")");
    if (failure_) return 0;
    Node& node = expression_.nodes_[tested];
    if (node.kind != Kind::kSelect) return fail("has() takes a field, such as device.attributes[\"d\"].name");
    node.kind = Kind::kTestSelect;
    return tested;
  }

  std::uint32_t primary() {
    if (failure_) return 0;
    const Token& first = token();
    switch (first.kind) {
      case Token::Kind::kEnd:
        return fail("the expression ends too early");
      case Token::Kind::kText:
        ++at_;
        return literal(Value::of(first.text));
      case Token::Kind::kInteger:
      case Token::Kind::kDouble:
        return number_literal("");
      case Token::Kind::kName:
        return named();
      case Token::Kind::kSign:
        break;
    }
    if (take("(")) {
      const std::uint32_t inner = conditional();
      expect(")");
      return inner;
    }
    if (take("[")) {
      std::vector<std::uint32_t> items;
      while (!failure_ && !is("]")) {
        items.push_back(conditional());
        if (!take(",")) break;
      }
      expect("]");
      return add(Kind::kList, std::move(items));
    }
    if (take("{")) {
      std::vector<std::uint32_t> entries;
      while (!failure_ && !is("}")) {
        entries.push_back(conditional());
        expect(":");
        entries.push_back(conditional());
        if (!take(",")) break;
      }
      expect("}");
      return add(Kind::kMap, std::move(entries));
    }
    return fail(fmt::format("{} is not expected here", first.text));
  }

  std::uint32_t named() {
    const Token& first = token();
    const std::string text = first.text;
    ++at_;
    if (text == "true" || text == "false") return literal(Value::of(text == "true"));
    if (text == "null") return literal(Value());
    if (is("(")) {
      if (text == "has") return test_of_presence();
      return call(text, arguments(), false);
    }
    const bool bound = std::find(variables_.begin(), variables_.end(), text) != variables_.end();
    const bool library = text == "cel" && is(".");
    if (text != "device" && !bound && !library) {
      --at_;
      return fail(fmt::format("{} is not known; a selector speaks of device", text));
    }
    return add(Kind::kName, {}, text);
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int operators_ = 0;
  std::vector<std::string> variables_;
  Expression expression_;
  std::optional<base::Error> failure_;
};

base::Result<Expression> Expression::compile(std::string_view text) {
  if (text.size() > kLongest)
    return base::Error(base::Code::kResourceExhausted,
                       fmt::format("has {} characters, more than {}", text.size(), kLongest));
  auto tokens = Lexer(text).run();
  if (!tokens) return tokens.error();
  return Parser(std::move(*tokens)).run();
}

}  // namespace fairlead::model::cel
