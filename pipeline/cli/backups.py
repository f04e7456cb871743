"""Commands about backups of a library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import current_settings, errors, print_table, progress_bars, say
from pipeline.wording import COMMAND, file_size, plural

backups = typer.Typer(
    help="Back up a library while it is in use, check a backup, restore it.", no_args_is_help=True
)
Folder = Annotated[Path, typer.Argument(help="Folder of backups, best on another disk.")]
BackupFile = Annotated[Path, typer.Argument(help="A backup: one of the .json files in the folder.")]


@backups.command()
def create(folder: Folder) -> None:
    """Copy what cannot be made again; contents that are there already are not copied twice."""
    from pipeline.backup.backup import back_up, read_backup

    with progress_bars() as show:
        record = back_up(current_settings(), folder, lambda done, n: show("copying", done, n))
    files = read_backup(record).files
    size = file_size(sum(stored.size for stored in files.values()))
    say(f"{plural(len(files), 'file')}, {size} -> {record}")


@backups.command("list")
def list_(folder: Folder) -> None:
    """List the backups of a folder, newest first."""
    from pipeline.backup.backup import list_backups, read_backup

    rows = []
    for record in list_backups(folder):
        try:
            backup = read_backup(record)
        except ValueError as error:
            say(("Warning: ", "yellow"), f"{error}.", to=errors)
            continue
        size = file_size(sum(stored.size for stored in backup.files.values()))
        rows.append((str(record), backup.created, len(backup.files), size))
    print_table(("backup", "taken (UTC)", "files", "size"), rows)


@backups.command()
def verify(backup: BackupFile) -> None:
    """Read every content of a backup again and compare its hash."""
    from pipeline.backup.backup import verify as verified

    with progress_bars() as show:
        wrong = verified(backup, lambda done, n: show("reading", done, n))
    for sentence in wrong:
        say(sentence)
    if wrong:
        say((f"{plural(len(wrong), 'file')} cannot be restored.", "red"))
        raise typer.Exit(1)
    say(("Every file is as it was.", "green"))


@backups.command()
def restore(backup: BackupFile) -> None:
    """Put a backup into a library that is empty or missing (HASHLENS_HOME)."""
    from pipeline.backup.backup import restore as restored

    settings = current_settings()
    with progress_bars() as show:
        n = restored(backup, settings, lambda done, n: show("copying", done, n))
    say(f"{plural(n, 'file')} restored into {settings.home}.")
    say(f"Indexes are built again by: {COMMAND} doctor --repair")
