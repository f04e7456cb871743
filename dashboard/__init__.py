"""The dashboard: shows data sets, runs and search results, and never trains or writes a run."""
