"""Evaluate: leaderboard, curves, failures, codes, advisor."""
