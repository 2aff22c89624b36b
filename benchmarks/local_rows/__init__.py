"""Rows of ``../shared/reference/claims.csv`` that are measured on this machine, and what is measured beside them.

A module a theme, each with its ``ROWS``; ``table.ROWS`` joins them. Verdicts rest on intervals and on the noise of the
machine (``judging``): a row that the machine is too noisy for says so and claims nothing.
"""
