# SPDX-License-Identifier: Apache-2.0
"""The commands that run models or tokenizers or draw; all others are C++.

`eval` and `refit` need torch and transformers, `calibrate` transformers, the others neither.
"""
