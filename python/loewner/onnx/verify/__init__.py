# SPDX-License-Identifier: Apache-2.0
"""Checks of ONNX files that loewner wrote, against their claims and their originals."""
