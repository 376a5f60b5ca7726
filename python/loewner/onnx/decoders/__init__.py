# SPDX-License-Identifier: Apache-2.0
"""The decoder graphs of the structures of docs/format.md. `loewner._structures` lists them."""
