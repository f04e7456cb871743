"""Build: import images, train methods, follow runs."""
