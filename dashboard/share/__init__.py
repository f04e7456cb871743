"""Share: the report and the state of the server."""
