"""Search over HTTP: what is asked, what answers, and the routes."""
