"""Runs: what was asked, executing it, what came of it."""
