# SPDX-License-Identifier: Apache-2.0
"""`loewner report` and `loewner plot`: a page about an encoded folder, and its charts. Needs only NumPy."""
