"""How a server is opened: its version, its keys, its ports, and what reaches the terminal."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest
import trustme

from pipeline.index.store import opening
from pipeline.index.store.opening import open_store, store_of
from pipeline.settings import Settings
from tests.factories import python
from tests.qdrant_grpc_stub import GrpcStub
from tests.qdrant_stub import QdrantStub

GRPC_BY_TLS_TO_A_SERVER_WITHOUT = """
import os, sys
os.environ.pop("GRPC_VERBOSITY", None)  # this process has set it
from pipeline.index.store.opening import open_store
store = open_store(
    "https://127.0.0.1:1", api_key="key", prefer_grpc=True, grpc_port=int(sys.argv[1]),
    timeout_s=2, check_compatibility=False,
)
try:
    store.collections()
except Exception as error:
    print(type(error).__name__)
"""


def test_a_server_of_a_version_too_far_away_is_one_log_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    """Also behind a certificate of an own authority, which the client's own check does not take."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with QdrantStub(tls=context) as stub:
        stub.version = "1.1.0"

        open_store(stub.url, certificate=tmp_path / "ca.pem").close()

    (record,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert "the Qdrant server has version 1.1.0" in record.getMessage()
    assert not recwarn.list


def test_a_server_that_is_gone_is_no_matter_of_versions(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    open_store("http://127.0.0.1:9", timeout_s=1).close()

    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert not recwarn.list


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        ("http://127.0.0.1:6333", False),
        ("http://[::1]:6333", False),
        ("localhost:6333", False),
        ("http://qdrant:6333", True),
        ("http://192.168.0.7:6333", True),
        ("https://qdrant:6333", False),
    ],
)
def test_an_unencrypted_key_is_warned_of_once_and_never_on_loopback(
    url: str, is_warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    opening._warn_unencrypted.cache_clear()

    for _ in range(2):
        open_store(url, api_key="secret", check_compatibility=False).close()

    lines = [one.getMessage() for one in caplog.records if "unencrypted" in one.getMessage()]
    assert len(lines) == is_warned
    assert "secret" not in caplog.text


def test_the_grpc_port_is_a_setting() -> None:
    with GrpcStub() as stub:
        settings = Settings(
            qdrant_url="http://127.0.0.1:1", qdrant_grpc=True, qdrant_grpc_port=stub.port
        )

        store = store_of(settings, check_compatibility=False)

        assert store.collections() == []
        store.close()


def test_lines_of_grpc_stay_off_the_terminal() -> None:
    """Without the setting it prints a line about the failed handshake."""
    with GrpcStub() as stub:
        child = python(GRPC_BY_TLS_TO_A_SERVER_WITHOUT, str(stub.port))
        output, errors = child.communicate(timeout=60)

    assert output.split() == ["StoreUnavailable"]
    assert errors == ""
