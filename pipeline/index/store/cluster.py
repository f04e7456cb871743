"""What a Qdrant server says of itself: its version, its nodes, and where a collection lies."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

from qdrant_client import QdrantClient, models

from pipeline.index.store.qdrant_errors import CLIENT_ERRORS
from pipeline.wording import plural

_PATIENCE_S = 2  # of the server with nodes that do not answer it


@dataclass(frozen=True)
class Nodes:
    """How many nodes of a server answer, of those that belong to it."""

    answering: int
    total: int

    def __str__(self) -> str:
        if self.total == 1:
            return "1 node"
        verb = "answers" if self.answering == 1 else "answer"
        return f"{self.answering} of {self.total} nodes {verb}"


@dataclass(frozen=True)
class Spread:
    """How a collection lies on the nodes.

    Attributes:
        shards: pieces that it is cut into.
        copies: usable copies of the piece that has fewest.
        kept: copies of a piece that there should be.
    """

    shards: int
    copies: int
    kept: int

    def __str__(self) -> str:
        of = f"{self.copies} of " if self.copies < self.kept else ""
        return f"{plural(self.shards, 'shard')}, {of}{plural(self.kept, 'copy')}"


class Server:
    """A server, to be asked about itself; what it does not say is no error."""

    def __init__(self, client: QdrantClient) -> None:
        self._client = client

    def nodes(self) -> Nodes | None:
        """How many nodes answer; None where the server does not say.

        Servers from 1.17 on ask each node; those before know of which their last message was lost.
        """
        api = self._client.http.distributed_api
        with suppress(*CLIENT_ERRORS):
            asked = api.cluster_telemetry(timeout=_PATIENCE_S).result
            if asked and asked.cluster and (peers := asked.cluster.peers.values()):
                return Nodes(sum(peer.responsive for peer in peers), len(peers))
        with suppress(*CLIENT_ERRORS):
            status = api.cluster_status().result
            if isinstance(status, models.ClusterStatusOneOf1):
                n_nodes = len(status.peers)
                return Nodes(max(1, n_nodes - len(status.message_send_failures)), n_nodes)
            return Nodes(1, 1)
        return None

    def spread(self, collection: str) -> Spread | None:
        """How a collection lies on the nodes; None where the server does not say."""
        with suppress(*CLIENT_ERRORS):
            lying = self._client.http.distributed_api.collection_cluster_info(collection).result
            if lying is not None:
                copies: dict[int, list[bool]] = {}
                shards: list[models.LocalShardInfo | models.RemoteShardInfo]
                shards = [*lying.local_shards, *lying.remote_shards]
                for shard in shards:
                    is_usable = shard.state is models.ReplicaState.ACTIVE
                    copies.setdefault(shard.shard_id, []).append(is_usable)
                return Spread(
                    len(copies),
                    min((sum(usable) for usable in copies.values()), default=0),
                    max((len(usable) for usable in copies.values()), default=0),
                )
        return None

    def version(self) -> str:
        """The server's version; empty where it does not say."""
        with suppress(*CLIENT_ERRORS):
            return str(self._client.info().version)
        return ""


def version_problem(server: str) -> str:
    """Why this client and a server of that version may not understand each other; else empty."""
    client = version("qdrant-client")
    with suppress(ValueError):
        major, minor = (int(number) for number in server.split(".")[:2])
        own_major, own_minor = (int(number) for number in client.split(".")[:2])
        if major != own_major or abs(minor - own_minor) > 1:
            return (
                f"the Qdrant server has version {server}, its client here {client}: they are made "
                "for each other when at most one minor version apart"
            )
    return ""
