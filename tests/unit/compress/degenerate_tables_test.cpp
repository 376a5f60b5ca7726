// SPDX-License-Identifier: Apache-2.0
// verify accepts every output of compress, also of tables whose errors are rounding.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/safetensors_writer.hpp"
#include "support/checkpoints.hpp"

namespace loewner::degenerate_tables_test {
namespace {

namespace fs = std::filesystem;

constexpr Index kRows = 90, kCols = 16;

struct Table {
  std::string name;
  std::function<double(Index row, Index col)> entry;
};

std::vector<Table> tables() {
  const auto wave = [](Index i, Index j) { return std::sin(static_cast<double>(7 * i + 3 * j + i * j)); };
  return {{"constant .007", [](Index, Index) { return .007; }},
          {"constant -3", [](Index, Index) { return -3.0; }},
          {"constant 1e-30", [](Index, Index) { return 1e-30; }},
          {"zero", [](Index, Index) { return 0.0; }},
          {"one entry", [](Index i, Index j) { return i == 41 && j == 5 ? 2.5 : 0.0; }},
          {"one column", [](Index i, Index j) { return j == 3 ? 0.1 * static_cast<double>(i) : 0.0; }},
          {"one row", [wave](Index i, Index j) { return i == 8 ? wave(i, j) : 0.0; }},
          {"rank one", [](Index i, Index j) { return std::cos(double(i)) * std::sin(1 + double(j)); }},
          {"rank two", [](Index i, Index j) { return std::cos(double(i)) * std::sin(1 + double(j)) + .3 * double(j); }},
          {"small", [wave](Index i, Index j) { return 1e-30 * wave(i, j); }},
          {"denormal", [wave](Index i, Index j) { return 1e-40 * wave(i, j); }},
          {"large", [wave](Index i, Index j) { return 1e30 * wave(i, j); }},
          {"two scales", [wave](Index i, Index j) { return (i % 2 == 0 ? 1e15 : 1e-15) * wave(i, j); }},
          {"few values", [](Index i, Index j) { return double((i * j) % 3); }}};
}

void write_model(const test::TemporaryFolder& folder, const Table& table) {
  test::write_checkpoint(folder, "model", test::encoder_config(), {{}});
  SafetensorsWriter writer(folder.path() / "model" / "model.safetensors",
                           {{.name = test::kTable, .dtype = DType::f32, .shape = {kRows, kCols}}}, {{"format", "pt"}});
  for (Index i = 0; i < kRows; ++i) {
    for (Index j = 0; j < kCols; ++j) {
      const auto entry = static_cast<float>(table.entry(i, j));
      writer.write(std::as_bytes(std::span(&entry, 1)));
    }
  }
  writer.finish();
}

// The failures of an output that compress could make.
std::vector<std::string> failures_of(const CompressOptions& options) {
  try {
    compress(options);
  } catch (const BudgetError&) {
    return {};
  }
  const auto report = verify(options.output, options.model);
  std::vector<std::string> failures = report.failures;
  for (const auto& tensor : report.tensors)
    failures.insert(failures.end(), tensor.failures.begin(), tensor.failures.end());
  return failures;
}

class DegenerateTables : public testing::TestWithParam<Method> {};

TEST_P(DegenerateTables, OfEveryKindAreVerified) {
  test::TemporaryFolder folder;
  bool by_size = static_cast<int>(GetParam()) % 2 == 0;  // in turns, so that every table meets both
  for (const auto& table : tables()) {
    write_model(folder, table);
    CompressOptions options;
    if (by_size) options.keep = 0.9;
    if (!by_size) options.max_error = 0.3;
    options.model = folder.path() / "model";
    options.output = folder.path() / "out";
    options.method = GetParam();
    options.norm_exponent = by_size ? 1 : 2;
    options.if_exists = IfExists::overwrite;
    SCOPED_TRACE(table.name + (by_size ? ", keep" : ", max_error"));
    EXPECT_EQ(failures_of(options), std::vector<std::string>{});
    by_size = !by_size;
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, DegenerateTables, testing::ValuesIn(all_methods()), [](const auto& test) {
  std::string name(to_string(test.param));
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace loewner::degenerate_tables_test
