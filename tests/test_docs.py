"""What the documents say must be so: commands, links, targets, tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from pipeline.catalog import config_fields, method_cards, zoo_details
from pipeline.cli import app
from pipeline.cli.documents import generated, rewritten
from pipeline.datasets.protocols import PROTOCOLS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/*.md")])
ids = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_command_in_the_documents_exists(path):
    """`python -m pipeline a b ...` names a command, and its options exist."""
    group = get_command(app)
    text = path.read_text("utf-8")

    for line in re.findall(r"(?:-m pipeline|(?<=[`\n])hashlens) ([^\n`#;)]+)", text):
        words = line.split()
        command = group
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, f"{path.name}: {line!r}"
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        options |= {o for parameter in command.params for o in parameter.secondary_opts}
        for word in words:
            if word.startswith("--"):
                assert word in options, f"{path.name}: {word} in {line!r}"


def test_the_list_of_commands_is_complete():
    """No command is missing, and none is listed that is not there."""
    column = re.findall(
        r"^\| (`.+?) \|", (ROOT / "docs/commands.md").read_text("utf-8"), re.MULTILINE
    )
    listed = {name for cell in column for name in re.findall(r"`(\w+)", cell)}
    there = get_command(app).commands
    below = {name for group in there.values() for name in getattr(group, "commands", ())}

    assert {name for name, command in there.items() if not command.hidden} <= listed
    assert listed <= there.keys() | below


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_link_between_documents_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_make_target_in_the_documents_exists(path):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    for target in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text("utf-8"), re.MULTILINE):
        assert target in targets


@pytest.mark.parametrize(("name", "marker"), generated())
def test_a_generated_table_is_fresh(name, marker):
    """`python -m pipeline docs` writes all of them."""
    text = (ROOT / name).read_text("utf-8")

    assert rewritten(text, marker, generated()[name, marker]()) == text


def test_a_document_without_markers_is_refused():
    with pytest.raises(ValueError, match="has no <!-- methods -->"):
        rewritten("nothing", "methods", "table")


def test_the_details_name_every_setting_and_every_published_figure():
    text = zoo_details()

    for card in method_cards():
        section = text.split(f"(`{card.name}`)")[1].split("\n## ")[0]
        shared = text.split("## ")[1]
        for field in config_fields(card.name):
            assert f"| `{field.name}` |" in section + shared, (card.name, field.name)
        for deviation in card.deviations:
            assert f"- {deviation}\n" in section
        assert section.count("| mAP@") == len(card.reported)
        for figure in card.reported:
            assert f"| {figure.source} | {figure.provenance} |\n" in section


def test_every_protocol_is_documented_in_its_own_words():
    text = (ROOT / "docs" / "evaluation.md").read_text("utf-8")

    for protocol in PROTOCOLS.values():
        sentence = protocol.summary.split("; mAP@")[0].rstrip(".")
        assert f"`{protocol.name}`" in text
        assert sentence in text


def test_every_requirement_says_what_it_is_for():
    for name in ("requirements.txt", "requirements-optional.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            if line and not line.startswith(("#", "-r")):
                assert "==" in line
                assert "#" in line, line
