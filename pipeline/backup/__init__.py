"""Backups: a copy of a library by hash, taken while it is in use, and put back whole."""
