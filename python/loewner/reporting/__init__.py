# SPDX-License-Identifier: Apache-2.0
"""What an output is, for people: one page, and its charts. `loewner report`, `loewner plot`; NumPy is enough."""
