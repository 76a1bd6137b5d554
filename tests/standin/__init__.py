# SPDX-License-Identifier: GPL-3.0-or-later
"""Test doubles that behave as the real servers were seen to behave, and fail on surprise."""
