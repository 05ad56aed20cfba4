#include "layers/rules.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

namespace fairlead::layers {
namespace {

using Names = std::vector<std::string_view>;

struct Layer {
  std::string_view name;
  Names uses;  // named directly; what these use may be used too
};

// The table of docs/architecture.md. A layer that is not built yet has its row already: the rule comes before
// the code.
const std::vector<Layer>& layers() {
  static const std::vector<Layer> table = {
      {"base", {}},
      {"model", {"base"}},
      {"engine", {"model"}},
      {"manifest", {"model"}},
      {"net", {"base"}},
      {"world", {"model"}},
      {"ledger", {"engine"}},
      {"device", {"model"}},
      {"sim", {"engine", "manifest", "ledger", "world"}},
      {"host", {"engine", "manifest", "device", "ledger", "net", "world"}},
      {"kube", {"engine", "manifest", "ledger", "net", "world"}},
      {"server", {"manifest", "ledger", "net", "world"}},
      {"cli", {"manifest", "net", "sim", "kube"}},
      {"app", {"cli", "host", "kube", "server"}},
      // The second scheduler, in tests/reference: it would prove little if it shared the engine's code.
      {"reference", {"model", "manifest"}},
  };
  return table;
}

const Layer* find_layer(std::string_view name) {
  for (const Layer& layer : layers()) {
    if (layer.name == name) return &layer;
  }
  return nullptr;
}

bool may_use(std::string_view user, std::string_view used) {
  if (user == used) return true;
  const Layer* layer = find_layer(user);
  return layer != nullptr &&
         std::any_of(layer->uses.begin(), layer->uses.end(), [&](auto next) { return may_use(next, used); });
}

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Headers that do not belong to the standard library, by how their names begin; the longest match counts.
struct Library {
  std::string_view prefix;
  std::optional<Names> allowed;  // absent: in every layer
};

const std::vector<Library>& libraries() {
  static const std::vector<Library> table = {
      {"yaml-cpp/", Names{"manifest"}},
      {"CLI/", Names{"cli", "app"}},
      {"simdjson", Names{"base", "manifest"}},
      {"spdlog/", Names{"base"}},
      {"curl/", Names{"net"}},
      {"boost/asio", Names{"net"}},
      {"boost/beast", Names{"net"}},
      {"openssl/", Names{"net", "server"}},
      {"sqlite3.h", Names{"ledger"}},
      {"sodium", Names{"ledger", "host", "server"}},
      {"libpq", Names{"ledger"}},
      {"boost/", std::nullopt},
      {"fmt/", std::nullopt},
      {"absl/", Names{}},
  };
  return table;
}

// The engine and the model are pure: no input or output, clock, randomness or thread.
const Names kImpureHeaders = {
    "chrono", "condition_variable", "cstdio", "ctime",  "filesystem", "format",       "fstream",
    "future", "iostream",           "mutex",  "random", "semaphore",  "shared_mutex", "stop_token",
    "thread"};
const Names kPureLayers = {"model", "engine"};
// Where the operating system may be called.
const Names kSystemLayers = {"base", "manifest", "net", "ledger", "device", "host", "server", "cli", "app"};

struct Banned {
  std::string_view word;  // must start at a word's beginning
  std::string_view why;
  Names except = {};               // layers where it may stand
  std::optional<Names> only = {};  // present: layers that the rule is for
};

const std::vector<Banned>& banned_words() {
  static const std::vector<Banned> table = {
      {"co_await", "g++ 12 miscompiles coroutines"},
      {"co_yield", "g++ 12 miscompiles coroutines"},
      {"co_return", "g++ 12 miscompiles coroutines"},
      {"sleep_for", "nothing waits by sleeping: wait for the event or advance the clock"},
      {"sleep_until", "nothing waits by sleeping: wait for the event or advance the clock"},
      {"usleep", "nothing waits by sleeping: wait for the event or advance the clock"},
      {"system_clock::now",
       "time is an event; only base, app and cli read the clock",
       {"base", "app", "cli"}},
      {"steady_clock::now", "the engine and the model read no clock", {}, kPureLayers},
      {"rand(", "randomness is a seeded hash"},
      {"srand(", "randomness is a seeded hash"},
      {"random_device", "randomness is a seeded hash"},
      {"std::regex", "too slow and unbounded in depth"},
      {"dynamic_cast", "no run-time type tricks"},
  };
  return table;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The text with comments, and unless `keep_strings` the contents of string and character literals, blanked
// out; line breaks stay, so that lines keep their numbers.
std::string strip(std::string_view text, bool keep_strings) {
  std::string out(text);
  const auto blank = [&out](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  };
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.substr(i, 2) == "//") {
      const std::size_t end = std::min(text.find('\n', i), text.size());
      blank(i, end);
      i = end;
    } else if (text.substr(i, 2) == "/*") {
      const std::size_t close = text.find("*/", i + 2);
      const std::size_t end = close == text.npos ? text.size() : close + 2;
      blank(i, end);
      i = end;
    } else if (text.substr(i, 2) == "R\"" && (i == 0 || !is_word(text[i - 1]))) {
      const std::size_t open = text.find('(', i);
      if (open == text.npos) break;
      const std::string closing = ")" + std::string(text.substr(i + 2, open - i - 2)) + "\"";
      const std::size_t close = text.find(closing, open);
      const std::size_t end = close == text.npos ? text.size() : close + closing.size();
      if (!keep_strings) blank(open, end);
      i = end;
    } else if (text[i] == '"' || (text[i] == '\'' && (i == 0 || !is_word(text[i - 1])))) {
      const char quote = text[i];
      std::size_t end = i + 1;
      while (end < text.size() && text[end] != quote && text[end] != '\n') end += text[end] == '\\' ? 2U : 1U;
      end = std::min(end, text.size());
      if (!keep_strings) blank(i + 1, end);
      i = end < text.size() ? end + 1 : end;
    } else {
      ++i;
    }
  }
  return out;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

struct Include {
  std::string name;
  bool quoted = false;
};

std::optional<Include> parse_include(std::string_view line) {
  line = trim(line);
  if (line.empty() || line.front() != '#') return std::nullopt;
  line = trim(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = trim(line.substr(7));
  if (line.size() < 3) return std::nullopt;
  const char close = line.front() == '<' ? '>' : '"';
  const std::size_t end = line.find(close, 1);
  if (end == line.npos) return std::nullopt;
  return Include{std::string(line.substr(1, end - 1)), close == '"'};
}

// src/LAYER/..., tests/reference/...: the layer, empty when the path is not like that.
std::string_view layer_of(std::string_view file) {
  if (file.starts_with("tests/reference/")) return "reference";
  if (!file.starts_with("src/") || file.starts_with("src/reference/")) return {};
  file.remove_prefix(4);
  const std::size_t slash = file.find('/');
  return slash == file.npos ? std::string_view{} : file.substr(0, slash);
}

class SourceCheck {
 public:
  SourceCheck(std::string_view file, std::string_view content)
      : file_(file),
        layer_(layer_of(file)),
        is_header_(file.ends_with(".h")),
        is_test_(file.ends_with("_test.cc")),
        code_(split_lines(strip(content, false))),
        with_strings_(split_lines(strip(content, true))) {}

  std::vector<Breach> run() {
    if (find_layer(layer_) == nullptr) {
      add(0, "src/ holds one folder per layer, and \"" + std::string(layer_) + "\" is none");
      return std::move(breaches_);
    }
    for (std::size_t i = 0; i < with_strings_.size(); ++i) {
      const int line = static_cast<int>(i) + 1;
      if (const auto include = parse_include(with_strings_[i])) {
        check_include(line, *include);
      } else {
        check_words(line, code_[i], with_strings_[i]);
      }
    }
    return std::move(breaches_);
  }

 private:
  void add(int line, std::string what) { breaches_.push_back({file_, line, std::move(what)}); }

  void check_include(int line, const Include& include) {
    if (include.quoted) {
      check_own_header(line, include.name);
    } else {
      check_system_header(line, include.name);
    }
  }

  void check_own_header(int line, const std::string& name) {
    const std::string used = name.substr(0, name.find('/'));
    if (name.find('/') == name.npos || find_layer(used) == nullptr) {
      add(line, "\"" + name + "\" does not name a header of ours from src/ on (layer/file.h)");
    } else if (!may_use(layer_, used)) {
      add(line, std::string(layer_) + " may not use " + used + ", but includes \"" + name + "\"");
    }
  }

  void check_system_header(int line, const std::string& name) {
    if (name.starts_with("gtest/") || name.starts_with("gmock/") || name.starts_with("rapidcheck")) {
      if (!is_test_) add(line, "<" + name + "> belongs in a _test.cc file");
      return;
    }
    for (const Library& library : libraries()) {
      if (!name.starts_with(library.prefix)) continue;
      if (library.allowed && !contains(*library.allowed, layer_)) {
        add(line, "<" + name + "> may not be included in " + std::string(layer_));
      }
      return;
    }
    if (name == "regex") add(line, "<regex> is too slow and unbounded in depth");
    if (name == "iostream" && is_header_) add(line, "<iostream> may not be included in a header");
    if (contains(kPureLayers, layer_) && contains(kImpureHeaders, name) && !is_test_) {
      add(line, std::string(layer_) + " is pure, but includes <" + name + ">");
    }
    const bool is_standard = name.find_first_of("./") == name.npos;
    if (!is_standard && !contains(kSystemLayers, layer_) && !is_test_) {
      add(line, "<" + name + "> may not be included in " + std::string(layer_) +
                    ": it is neither the standard library's nor listed in tests/layers");
    }
  }

  void check_words(int line, std::string_view code, std::string_view with_strings) {
    for (const Banned& banned : banned_words()) {
      if (contains(banned.except, layer_)) continue;
      if (banned.only && !contains(*banned.only, layer_)) continue;
      if (has_word(code, banned.word)) add(line, std::string(banned.word) + ": " + std::string(banned.why));
    }
    if (layer_ == "engine" && !is_test_) {
      std::string lower(with_strings);
      std::transform(lower.begin(), lower.end(), lower.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (lower.find("nvidia") != lower.npos) add(line, "nvidia: the engine knows no vendor");
    }
  }

  static bool has_word(std::string_view code, std::string_view word) {
    for (std::size_t at = code.find(word); at != code.npos; at = code.find(word, at + 1)) {
      const std::size_t end = at + word.size();
      const bool starts = at == 0 || !is_word(code[at - 1]);
      const bool ends = end == code.size() || !is_word(code[end]) || !is_word(word.back());
      if (starts && ends) return true;
    }
    return false;
  }

  std::string file_;
  std::string_view layer_;
  bool is_header_;
  bool is_test_;
  std::vector<std::string> code_;
  std::vector<std::string> with_strings_;
  std::vector<Breach> breaches_;
};

}  // namespace

std::vector<Breach> check_source(std::string_view file, std::string_view content) {
  return SourceCheck(file, content).run();
}

std::vector<Breach> check_cmake(std::string_view file, std::string_view content) {
  std::vector<Breach> breaches;
  const std::string_view layer = layer_of(file);
  std::string text(content);
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '(' || c == ')'; }, ' ');
  std::istringstream words(text);
  bool in_uses = false;
  for (std::string word; words >> word;) {
    const bool is_keyword =
        std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isupper(c) != 0; });
    if (is_keyword) {
      in_uses = word == "USES";
    } else if (in_uses && !may_use(layer, word)) {
      breaches.push_back(
          {std::string(file), 0, std::string(layer) + " may not use " + word + ", but links it"});
    }
  }
  return breaches;
}

std::vector<Breach> check_tree(const std::filesystem::path& root) {
  if (!std::filesystem::is_directory(root / "src")) return {{"src", 0, "there is no such folder"}};
  std::vector<std::filesystem::path> files;
  for (const char* folder : {"src", "tests/reference"}) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Breach> breaches;
  for (const auto& path : files) {
    const std::string name = path.lexically_relative(root).generic_string();
    const bool is_source = path.extension() == ".h" || path.extension() == ".cc";
    const bool is_cmake =
        path.filename() == "CMakeLists.txt" && name.starts_with("src/") && name != "src/CMakeLists.txt";
    if (!is_source && !is_cmake) continue;
    std::ifstream in(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto found = is_source ? check_source(name, content) : check_cmake(name, content);
    breaches.insert(breaches.end(), found.begin(), found.end());
  }
  return breaches;
}

}  // namespace fairlead::layers
