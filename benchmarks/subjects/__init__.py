"""What is measured: a module per subject, each with its `SUBJECT`."""
