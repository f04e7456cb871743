"""One file per data set source; found by file name."""
