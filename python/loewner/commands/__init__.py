# SPDX-License-Identifier: Apache-2.0
"""The commands that run models or draw; all others are C++. Only `eval` and `refit` need torch and transformers."""
