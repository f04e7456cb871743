"""What operators watch: metrics, readiness, and a line in the log for each request."""
