# SPDX-License-Identifier: Apache-2.0
"""The commands that need torch and transformers; all others are C++."""
