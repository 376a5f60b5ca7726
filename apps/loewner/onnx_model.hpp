// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "python_runner.hpp"

namespace loewner::cli {

/// Whether the Python package reads this model: an .onnx file, or a folder that has onnx/model.onnx
/// and no safetensors.
bool is_onnx_model(const std::filesystem::path& model);

/// Runs a command of the Python package on an ONNX file and returns its exit code.
///
/// Errors    InvalidArgument in the C++ program, which has no Python.
int run_on_onnx(const PythonRunner& python, const std::string& command, const Json& options);

}  // namespace loewner::cli
