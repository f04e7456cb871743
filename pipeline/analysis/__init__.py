"""What finished runs show: tables and figures for pages and commands."""
