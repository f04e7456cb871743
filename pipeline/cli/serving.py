"""Serve searches to programs over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.console import announce, current_settings, limit_threads


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8600,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve /api/v1 without the dashboard: encode and search, data sets and runs, OpenAPI."""
    import uvicorn

    from pipeline.serving.app import api_app, check_host

    settings = current_settings()
    check_host(host, settings)
    limit_threads()
    announce(f"API: http://{host}:{port}/api/v1/openapi.json (stop with Ctrl-C)")
    uvicorn.run(  # without its own handlers: its lines go where those of this process go
        api_app(settings), host=host, port=port, log_level="warning", log_config=None
    )
