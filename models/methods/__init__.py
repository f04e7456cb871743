"""One file per hash method; found by file name (models/registry.py)."""
