"""How this HashLens was installed, which decides the commands that its messages name."""

from __future__ import annotations

from pathlib import Path

# A wheel's metadata lie beside its packages; in a checkout or a container's /app there are none.
IS_INSTALLED = any(Path(__file__).resolve().parent.parent.glob("hashlens-*.dist-info"))


def extra(name: str) -> str:
    """The command that installs optional packages.

    Args:
        name: of the extra, and of `requirements-<name>.txt`: export, networks, optional, scale or
            trackers.
    """
    if IS_INSTALLED:
        return f'pipx install --force "CHECKOUT_OR_WHEEL[{name}]"'
    return f"pip install -r requirements-{name}.txt"
