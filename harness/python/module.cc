// The extension `_orrery`: scenarios and finished runs as Python objects, without any judgement of
// their own. The package orrery/ beside it is what people import; only that package uses this.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>

#include "engine/base/ensure.h"
#include "harness/run/run_scenario.h"
#include "reports/record/fields.h"
#include "reports/record/metrics.h"
#include "reports/record/text.h"
#include "reports/record/write.h"
#include "reports/render/render.h"
#include "scenarios/schema/load.h"
#include "scenarios/schema/quantity.h"
#include "scenarios/schema/schema.h"

namespace py = pybind11;

namespace orrery {
namespace {

// How often a run takes the interpreter lock to see whether Ctrl-C was pressed.
constexpr auto kSignalPeriod = std::chrono::milliseconds(50);

[[noreturn]] void raise(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInternal: throw EnsureFailure(error.message);
    case ErrorCode::kIo:
    case ErrorCode::kNotFound:
      PyErr_SetString(PyExc_OSError, error.message.c_str());
      throw py::error_already_set();
    default: throw py::value_error(error.message);
  }
}

void check(const Status& status) {
  if (!status) raise(status.error());
}

// "90s", "1h30m" -> nanoseconds.
std::int64_t nanoseconds(const std::string& text) {
  const auto value = scenario::parse_quantity(text, scenario::Dimension::kDuration);
  if (!value) raise(value.error());
  return static_cast<std::int64_t>(*value);
}

struct LoadedScenario {
  scenario::Scenario scenario;
  report::ScenarioTexts texts;
  std::string document;  // the file with its includes, as JSON
};

struct FinishedRun {
  report::RunRecord record;
  report::ScenarioTexts texts;
};

py::dict to_dict(const scenario::Diagnostic& d) {
  py::dict out;
  out["file"] = report::to_utf8(d.file);
  out["line"] = d.line;
  out["column"] = d.column;
  out["path"] = report::to_utf8(d.path);
  out["message"] = report::to_utf8(d.message);
  out["hint"] = report::to_utf8(d.hint);
  out["text"] = report::to_utf8(scenario::format(d));
  return out;
}

// (scenario, []) or (None, diagnostics).
py::tuple load(const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& set) {
  scenario::LoadOptions options{.known_metrics = run::metric_names(),
                                .known_behaviours = run::behaviour_names(),
                                .known_bugs = run::seeded_bug_names()};
  for (const auto& [key, value] : set) options.overrides.push_back({key, value});
  auto loaded = scenario::load_file(path, options);
  py::list diagnostics;
  if (!loaded) {
    for (const scenario::Diagnostic& d : loaded.error()) diagnostics.append(to_dict(d));
    return py::make_tuple(py::none(), diagnostics);
  }
  std::stringstream given;
  given << std::ifstream(path, std::ios::binary).rdbuf();
  LoadedScenario out{.scenario = std::move(*loaded), .document = scenario::document_json(path)};
  out.texts = {.given_yaml = given.str(), .lock_json = out.scenario.canonical_json};
  return py::make_tuple(std::move(out), diagnostics);
}

// What a run without the interpreter lock asks of Python: signals and progress. An exception that
// either raises stops the run and is kept until the run has come to its end.
class Caller {
 public:
  explicit Caller(py::object progress) : progress_(std::move(progress)) {}

  bool interrupt() {
    if (raised_) return true;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kSignalPeriod) return false;
    last_ = now;
    const py::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) raised_.emplace();
    return raised_.has_value();
  }
  void progress(Time now, Time until, std::uint64_t events) {
    const py::gil_scoped_acquire lock;
    try {
      progress_(static_cast<double>(now.ns) / 1e9, static_cast<double>(until.ns) / 1e9, events);
    } catch (py::error_already_set& raised) {
      if (!raised_) raised_.emplace(std::move(raised));
    }
  }
  // After the run, with the interpreter lock: true if Ctrl-C was pressed, even if it came too late
  // to stop anything; any other exception goes on its way.
  bool interrupted() {
    if (!raised_ && PyErr_CheckSignals() != 0) raised_.emplace();
    if (!raised_) return false;
    if (!raised_->matches(PyExc_KeyboardInterrupt)) throw std::move(*raised_);
    return true;
  }

 private:
  py::object progress_;
  std::optional<py::error_already_set> raised_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// (run, interrupted). `until_ns` stops earlier than the scenario says.
py::tuple run_scenario(const LoadedScenario& loaded, const std::string& command,
                       std::optional<std::int64_t> until_ns, py::object progress) {
  Caller caller(progress);
  run::RunOptions options{.command = command, .interrupt = [&] { return caller.interrupt(); }};
  if (until_ns) options.until = Time{*until_ns};
  if (!progress.is_none()) {
    options.progress = [&](Time now, Time until, std::uint64_t events) {
      caller.progress(now, until, events);
    };
  }
  auto record = [&] {
    const py::gil_scoped_release unlock;
    return run::run_scenario(loaded.scenario, options);
  }();
  const bool interrupted = caller.interrupted();
  if (!record) raise(record.error());
  return py::make_tuple(FinishedRun{std::move(*record), loaded.texts}, interrupted);
}

// Tables go over as one NumPy array or list a column. Integers are signed there, so that a
// difference of two heights in a frame does not wrap.
template <class Value>
using Cell = std::conditional_t<std::is_same_v<Value, bool> || std::is_floating_point_v<Value>,
                                Value, std::int64_t>;

template <class Value>
py::object new_column(const Value&, std::size_t rows) {
  if constexpr (std::is_arithmetic_v<Value>) {
    return py::array_t<Cell<Value>>(static_cast<py::ssize_t>(rows));
  } else {
    return py::list(rows);
  }
}

template <class Value>
void set_cell(const py::object& column, std::size_t row, const Value& value) {
  if constexpr (std::is_arithmetic_v<Value>) {
    auto array = py::reinterpret_borrow<py::array_t<Cell<Value>>>(column);
    array.mutable_data()[row] = static_cast<Cell<Value>>(value);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    py::reinterpret_borrow<py::list>(column)[row] = py::str(report::to_utf8(value));
  } else {
    py::reinterpret_borrow<py::list>(column)[row] = py::cast(value);
  }
}

template <class Row>
py::dict columns(const std::vector<Row>& table) {
  py::dict out;
  std::vector<py::object> made;
  const Row blank;
  report::fields(blank, [&](const char* name, const auto& value) {
    made.push_back(new_column(value, table.size()));
    out[name] = made.back();
  });
  for (std::size_t row = 0; row < table.size(); ++row) {
    std::size_t i = 0;
    report::fields(table[row],
                   [&](const char*, const auto& value) { set_cell(made[i++], row, value); });
  }
  return out;
}

// Column name -> values; KeyError if the record has no such table.
py::dict table(const FinishedRun& run, const std::string& wanted) {
  std::optional<py::dict> out;
  report::table_fields(run.record, [&](const char* name, const auto& rows) {
    if (wanted == name) out = columns(rows);
  });
  if (!out) throw py::key_error(wanted);
  return *out;
}

// Everything in the record that is not a table; amounts still as text.
py::dict scalars(const FinishedRun& run) {
  py::dict out;
  report::scalar_fields(run.record, [&]<class Value>(const char* name, const Value& value) {
    if constexpr (std::is_same_v<Value, std::string>) {
      out[name] = report::to_utf8(value);
    } else {
      out[name] = value;
    }
  });
  return out;
}

std::string render(const FinishedRun& run) {
  auto html = report::render_html(run.record);
  if (!html) raise(html.error());
  return std::move(*html);
}

// A run directory without the rendered report.
void write_directory(FinishedRun& run, const std::string& dir) {
  run.record.run_dir = dir;
  check(report::write_run_directory(run.record, dir, run.texts));
}

void write_file(const std::string& path, const std::string& text) {
  check(report::write_file_atomically(path, text));
}

py::list metrics() {
  py::list out;
  for (const report::MetricInfo& info : report::metric_registry()) {
    out.append(py::make_tuple(info.name, info.unit, report::to_string(info.kind), info.meaning));
  }
  return out;
}

}  // namespace
}  // namespace orrery

PYBIND11_MODULE(_orrery, m) {
  using orrery::FinishedRun;
  using orrery::LoadedScenario;

  // Bugs of Orrery itself: a failed ENSURE, or an Error that says so.
  py::register_exception<orrery::EnsureFailure>(m, "InternalError", PyExc_RuntimeError);

  py::class_<LoadedScenario>(m, "Scenario")
      .def_property_readonly("name", [](const LoadedScenario& s) { return s.scenario.name; })
      .def_property_readonly("seed", [](const LoadedScenario& s) { return s.scenario.seed; })
      .def_property_readonly("canonical_json",
                             [](const LoadedScenario& s) { return s.scenario.canonical_json; })
      .def_readonly("document", &LoadedScenario::document);

  py::class_<FinishedRun>(m, "FinishedRun")
      .def("scalars", &orrery::scalars)
      .def("table", &orrery::table)
      .def("summary_json",
           [](const FinishedRun& r) { return orrery::report::summary_json(r.record); })
      .def("render", &orrery::render)
      .def("write_directory", &orrery::write_directory);

  m.def("nanoseconds", &orrery::nanoseconds);
  m.def("load", &orrery::load);
  m.def("run", &orrery::run_scenario);
  m.def("schema_json", &orrery::scenario::json_schema);
  m.def("metrics", &orrery::metrics);
  m.def("write_file", &orrery::write_file);
}
