# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for abra 0.13. The habits it copies are named in the code as H1 to H32, see tests/standin/README.md."""
