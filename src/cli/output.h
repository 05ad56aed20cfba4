#pragma once

#include "base/json_value.h"
#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/environment.h"
#include "cli/style.h"
#include "cli/text_table.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::cli {

enum class Output : std::uint8_t { kTable, kWide, kJson, kYaml, kName };

/// Adds --server, and -o where the command prints objects.
void add_client_options(Command& command, ClientOptions& options);
void add_project_option(Command& command, ClientOptions& options);
void add_output_option(Command& command, Output& output);

Style style_of(const Environment& environment);
void print_table(const Environment& environment, const TextTable& table);
/// Prints a document as JSON or YAML, or the names of its items (or of itself); false for a table, which is
/// the caller's.
bool print_document(const Environment& environment, const Document& document, Output output,
                    const std::function<std::string(const base::JsonValue&)>& name);

/// "3m", "2h15m", "5d" since an instant of the API; empty for none.
std::string age_text(const Environment& environment, const std::string& instant);
/// "1.5", "8": a decimal number without trailing zeros.
std::string number_text(double number);
/// "512Gi" of bytes as the API has them.
std::string memory_text(double bytes);
/// A bar of `width` cells: filled up to `part` of 1, with a mark at `mark` when that is within [0, 1].
std::string bar(double part, double mark, int width);

/// "PROJECT/NAME" or "NAME" of a workload on the command line, as a path: "/api/v1/workloads/p/n". Without a
/// project the workload is looked for in all that can be seen. Empty after having said why.
std::string workload_path(ApiClient& client, const Environment& environment, const ClientOptions& options,
                          const std::string& name, int& exit_code);

}  // namespace fairlead::cli
