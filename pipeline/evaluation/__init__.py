"""Measuring codes: pure functions, no run and no store."""
