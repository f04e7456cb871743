"""Hash methods: features in, hash codes out. No files but save and load, no services."""
