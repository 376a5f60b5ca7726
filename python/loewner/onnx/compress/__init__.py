# SPDX-License-Identifier: Apache-2.0
"""ONNX files as input: their matrices are encoded, and decoders take their places."""
