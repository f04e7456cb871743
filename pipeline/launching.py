"""Commands of this program as processes of their own, which outlive the one that starts them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.settings import Settings

_ROOT = Path(__file__).resolve().parent.parent
# Windows has no sessions: a group of its own, so that Ctrl-C in the server's window is not for it.
_WITHOUT_WINDOW = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(
    subprocess, "CREATE_NO_WINDOW", 0
)
_started: list[subprocess.Popen[bytes]] = []  # asked for their end, or they stay as zombies


def launch(arguments: Sequence[str], settings: Settings, log_path: Path) -> None:
    """Start `python -m pipeline` with these arguments: no shell, no terminal, no window.

    It works in the folder of the program, wherever this process does, with the same settings and
    of the other variables only those that it may need.

    Args:
        arguments: arguments after `python -m pipeline`.
        settings: settings that the process has too.
        log_path: file that its output is appended to.

    Raises:
        OSError: it cannot be started, or the log cannot be written.
    """
    _started[:] = [process for process in _started if process.poll() is None]
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=_ROOT,
            env=settings.resolved().environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            creationflags=_WITHOUT_WINDOW,
        )
    _started.append(process)
