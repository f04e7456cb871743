"""Data sets: import from sources and layouts, splits, problems, growth, and what is stored."""
