"""Runs handed to people and programs that do not have HashLens."""
