"""Explore: search, compare, bits, browse."""
