# SPDX-License-Identifier: Apache-2.0
"""ONNX files whose graph decodes encoded matrices with standard operators."""
