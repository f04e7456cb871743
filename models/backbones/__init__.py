"""Backbones: networks whose features are hashed. A family is one file, found by its name."""
