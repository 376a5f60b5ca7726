# SPDX-License-Identifier: Apache-2.0
"""A model folder as an ONNX file for stock runtimes."""
