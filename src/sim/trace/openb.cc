#include "sim/trace/openb.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace fairlead::sim {
namespace {

// Far beyond any machine, far below overflow in the sums of a replay.
constexpr std::int64_t kMostCpuMilli = 1'000'000'000;
constexpr std::int64_t kMostMemoryMib = 1'000'000'000'000;
constexpr std::int64_t kMostDevices = 1024;
constexpr std::int64_t kWholeDevice = 1000;

/// Reads one row's fields one after the other and remembers the first error.
class RowReader {
 public:
  RowReader(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}

  std::int64_t integer(std::size_t column, std::int64_t low, std::int64_t high) {
    const base::Result<std::int64_t> value = table_.integer(row_, column, low, high);
    if (value) return *value;
    if (!error_) error_ = value.error();
    return low;
  }
  const std::optional<base::Error>& error() const { return error_; }

 private:
  const CsvTable& table_;
  std::size_t row_;
  std::optional<base::Error> error_;
};

base::Result<std::vector<std::size_t>> columns_of(const CsvTable& table,
                                                  std::initializer_list<std::string_view> names) {
  std::vector<std::size_t> columns;
  for (const std::string_view name : names) {
    const base::Result<std::size_t> column = table.column(name);
    if (!column) return column.error();
    columns.push_back(*column);
  }
  return columns;
}

std::vector<std::string> split_models(std::string_view list) {
  std::vector<std::string> models;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find('|'), list.size());
    if (end > 0) models.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  std::sort(models.begin(), models.end());
  models.erase(std::unique(models.begin(), models.end()), models.end());
  return models;
}

/// Sorts by name; the name that comes twice, if one does.
template <class Named>
const Named* sort_by_name(std::vector<Named>& values) {
  std::sort(values.begin(), values.end(), [](const Named& a, const Named& b) { return a.name < b.name; });
  const auto twice = std::adjacent_find(values.begin(), values.end(),
                                        [](const Named& a, const Named& b) { return a.name == b.name; });
  return twice == values.end() ? nullptr : &*twice;
}

}  // namespace

std::int64_t OpenbTrace::capacity() const {
  std::int64_t thousandths = 0;
  for (const TraceNode& node : nodes) thousandths += node.devices * kWholeDevice;
  return thousandths;
}

base::Result<std::vector<TraceNode>> read_openb_nodes(const CsvTable& table) {
  const auto columns = columns_of(table, {"sn", "cpu_milli", "memory_mib", "gpu", "model"});
  if (!columns) return columns.error();
  std::vector<TraceNode> nodes;
  std::int64_t devices = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    RowReader reader(table, row);
    TraceNode node;
    node.name = table.text(row, (*columns)[0]);
    node.cpu_milli = reader.integer((*columns)[1], 0, kMostCpuMilli);
    node.memory_mib = reader.integer((*columns)[2], 0, kMostMemoryMib);
    node.devices = static_cast<std::int32_t>(reader.integer((*columns)[3], 0, kMostDevices));
    node.model = table.text(row, (*columns)[4]);
    if (reader.error()) return *reader.error();
    if (node.name.empty()) return table.error_at(row, (*columns)[0], "is no name; every node needs one");
    devices += node.devices;
    nodes.push_back(std::move(node));
  }
  if (devices == 0) {
    return base::invalid_argument(
        fmt::format("{}: no node has a device; a replay needs some", table.source()));
  }
  if (const TraceNode* twice = sort_by_name(nodes)) {
    return base::invalid_argument(
        fmt::format("{}: two nodes are called \"{}\"; names must differ", table.source(), twice->name));
  }
  return nodes;
}

base::Result<std::vector<TraceTask>> read_openb_tasks(const CsvTable& table) {
  const auto columns = columns_of(table, {"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"});
  if (!columns) return columns.error();
  std::optional<std::size_t> models;
  if (table.has_column("gpu_spec")) models = *table.column("gpu_spec");
  std::vector<TraceTask> tasks;
  std::int64_t demand = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    RowReader reader(table, row);
    TraceTask task;
    task.name = table.text(row, (*columns)[0]);
    task.cpu_milli = reader.integer((*columns)[1], 0, kMostCpuMilli);
    task.memory_mib = reader.integer((*columns)[2], 0, kMostMemoryMib);
    task.devices = static_cast<std::int32_t>(reader.integer((*columns)[3], 0, kMostDevices));
    task.thousandths = static_cast<std::int32_t>(reader.integer((*columns)[4], 0, kWholeDevice));
    if (reader.error()) return *reader.error();
    if (task.name.empty()) return table.error_at(row, (*columns)[0], "is no name; every task needs one");
    if (task.devices > 1 && task.thousandths != kWholeDevice) {
      return table.error_at(
          row, (*columns)[4],
          fmt::format("is a share of {} devices; a share is of one device, several are whole (1000)",
                      task.devices));
    }
    if (task.devices == 1 && task.thousandths == 0) {
      return table.error_at(row, (*columns)[4], "is no share of the one device; write 1 to 1000");
    }
    if (task.devices == 0) task.thousandths = 0;
    if (models) {
      task.model_list = table.text(row, *models);
      task.models = split_models(task.model_list);
    }
    demand += task.demand();
    tasks.push_back(std::move(task));
  }
  if (demand == 0) {
    return base::invalid_argument(
        fmt::format("{}: no task asks for a device; a replay needs some", table.source()));
  }
  if (const TraceTask* twice = sort_by_name(tasks)) {
    return base::invalid_argument(
        fmt::format("{}: two tasks are called \"{}\"; names must differ", table.source(), twice->name));
  }
  return tasks;
}

base::Result<OpenbTrace> read_openb(const std::string& nodes_path, const std::string& pods_path) {
  const base::Result<CsvTable> node_table = CsvTable::read(nodes_path);
  if (!node_table) return node_table.error();
  const base::Result<CsvTable> task_table = CsvTable::read(pods_path);
  if (!task_table) return task_table.error();
  base::Result<std::vector<TraceNode>> nodes = read_openb_nodes(*node_table);
  if (!nodes) return nodes.error();
  base::Result<std::vector<TraceTask>> tasks = read_openb_tasks(*task_table);
  if (!tasks) return tasks.error();
  return OpenbTrace{.nodes = std::move(*nodes), .tasks = std::move(*tasks)};
}

}  // namespace fairlead::sim
