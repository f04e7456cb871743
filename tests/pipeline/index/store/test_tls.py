"""A server behind TLS: the right authority, a wrong one, none, and files that are none."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme

from pipeline.index.store.base import StoreRefused, StoreUnavailable
from pipeline.index.store.opening import open_store, store_of
from pipeline.settings import Settings
from tests.qdrant_grpc_stub import GrpcStub
from tests.qdrant_stub import QdrantStub

KEY = "right-key"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[QdrantStub]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with QdrantStub(KEY, context) as running:
        yield running


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


def settings_of(server: QdrantStub, certificate: Path, key: str = KEY) -> Settings:
    return Settings(
        qdrant_url=server.url, qdrant_ca=certificate, qdrant_api_key=key, qdrant_timeout_s=1
    )


def test_the_right_authority_is_trusted_and_the_key_arrives(
    server: QdrantStub, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_of(settings_of(server, certificate), check_compatibility=False)

    assert store.collections() == []
    assert "unencrypted" not in caplog.text  # as it would be over http
    store.close()
    refused = store_of(settings_of(server, certificate, "wrong"), check_compatibility=False)
    with pytest.raises(StoreRefused, match="QDRANT_API_KEY"):
        refused.collections()
    refused.close()


@pytest.mark.parametrize("is_given", [True, False])
def test_another_authority_is_not_trusted_and_nothing_is_sent(
    server: QdrantStub, tmp_path: Path, is_given: bool
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    n_before = len(server.requests)
    store = open_store(
        server.url, api_key=KEY, certificate=other if is_given else None, check_compatibility=False
    )

    with pytest.raises(StoreUnavailable, match=r"is not trusted .* set QDRANT_CA") as caught:
        store.collections()

    assert server.url in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.requests) == n_before
    store.close()


def test_a_slow_server_behind_tls_times_out(server: QdrantStub, certificate: Path) -> None:
    store = store_of(settings_of(server, certificate), check_compatibility=False)
    server.delay_s = 1.3

    with pytest.raises(StoreUnavailable, match="timed out"):
        store.collections()

    server.delay_s = 0
    assert store.collections() == []
    store.close()


@pytest.mark.parametrize("content", [None, b"not a certificate"])
def test_a_file_that_is_no_certificate_is_named(
    server: QdrantStub, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(StoreUnavailable, match=r"ca\.pem cannot be used .* QDRANT_CA"):
        store_of(settings_of(server, file))


def test_the_authority_counts_for_grpc_too(
    authority: trustme.CA, certificate: Path, tmp_path: Path
) -> None:
    own = authority.issue_cert("127.0.0.1")
    chain = b"".join(blob.bytes() for blob in own.cert_chain_pems)
    tls = grpc.ssl_server_credentials([(own.private_key_pem.bytes(), chain)])
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with GrpcStub(KEY, tls) as stub:

        def names(trusted: Path) -> list[str]:
            store = open_store(
                "https://127.0.0.1",
                api_key=KEY,
                prefer_grpc=True,
                grpc_port=stub.port,
                certificate=trusted,
                check_compatibility=False,
                timeout_s=5,
            )
            try:
                return store.collections()
            finally:
                store.close()

        assert names(certificate) == []
        with pytest.raises(StoreUnavailable, match="not trusted"):
            names(other)
        assert {key for _, key in stub.calls} == {KEY}
