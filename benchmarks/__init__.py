"""Programs that print tables with ratios against named peers."""
