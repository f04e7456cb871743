"""A stand-in for the gRPC port of a Qdrant server: the client's own servicers, on the loopback.

Requests arrive as protobuf, are converted by the client's converters, and answered by its local
mode. This proves scores, ids, filters, payloads and keys over the wire; not what a server does.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc as wire
from qdrant_client import QdrantClient
from qdrant_client import grpc as pb
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc


class GrpcStub:
    """Runs the stand-in while the `with` block lasts.

    Attributes:
        port: where it listens.
        calls: name of every call so far, with the key it carried.
        error: what every call says it fails of, when set.
    """

    def __init__(
        self, api_key: str | None = None, tls: wire.ServerCredentials | None = None
    ) -> None:
        self.calls: list[tuple[str, str | None]] = []
        self.error: str | None = None
        self._api_key = api_key
        self._client = QdrantClient(":memory:")
        self._lock = threading.Lock()  # local mode is for one thread
        self._server = wire.server(ThreadPoolExecutor(2))
        pb.add_CollectionsServicer_to_server(self._servicer(pb.CollectionsServicer), self._server)
        pb.add_PointsServicer_to_server(self._servicer(pb.PointsServicer), self._server)
        if tls is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self._server.add_secure_port("127.0.0.1:0", tls)

    def __enter__(self) -> GrpcStub:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0).wait()
        self._client.close()

    def _servicer(self, base: type) -> Any:
        """A servicer whose methods are those of `_Answers`, alone and with the key checked."""
        answers = _Answers(self._client)

        def method(name: str) -> Any:
            def call(_: object, asked: Any, context: Any) -> Any:
                key = dict(context.invocation_metadata()).get("api-key")
                self.calls.append((name, key))
                if key != self._api_key:
                    context.abort(wire.StatusCode.UNAUTHENTICATED, "Must provide an API key")
                if self.error is not None:
                    context.abort(wire.StatusCode.INTERNAL, self.error)
                try:
                    with self._lock:
                        return getattr(answers, name)(asked)
                except ValueError as error:
                    context.abort(_status(str(error)), str(error))

            return call

        own = {
            name: method(name) for name in dir(base) if hasattr(_Answers, name) and name[0] != "_"
        }
        return type("Servicer", (base,), own)()


class _Answers:
    """What each call gives, by the names of the protocol."""

    def __init__(self, client: QdrantClient) -> None:
        self._client = client

    def List(self, _: Any) -> Any:
        found = self._client.get_collections().collections
        names = [pb.CollectionDescription(name=one.name) for one in found]
        return pb.ListCollectionsResponse(collections=names)

    def ListAliases(self, _: Any) -> Any:
        found = self._client.get_aliases().aliases
        return pb.ListAliasesResponse(
            aliases=[
                pb.AliasDescription(alias_name=a.alias_name, collection_name=a.collection_name)
                for a in found
            ]
        )

    def UpdateAliases(self, asked: Any) -> Any:
        actions = [GrpcToRest.convert_alias_operations(one) for one in asked.actions]
        return pb.CollectionOperationResponse(
            result=self._client.update_collection_aliases(actions)
        )

    def CollectionExists(self, asked: Any) -> Any:
        exists = self._client.collection_exists(asked.collection_name)
        return pb.CollectionExistsResponse(result=pb.CollectionExists(exists=exists))

    def Create(self, asked: Any) -> Any:
        vectors = GrpcToRest.convert_vectors_config(asked.vectors_config)
        metadata = GrpcToRest.convert_payload(asked.metadata)
        made = self._client.create_collection(
            asked.collection_name, vectors_config=vectors, metadata=metadata
        )
        return pb.CollectionOperationResponse(result=made)

    def Delete(self, asked: Any) -> Any:
        gone = self._client.delete_collection(asked.collection_name)
        return pb.CollectionOperationResponse(result=gone)

    def Get(self, asked: Any) -> Any:
        if not hasattr(asked, "ids"):
            found = self._client.get_collection(asked.collection_name)
            return pb.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(found))
        ids = [GrpcToRest.convert_point_id(one) for one in asked.ids]
        return pb.GetResponse(result=_records(self._client.retrieve(asked.collection_name, ids)))

    def CreateFieldIndex(self, _: Any) -> Any:
        return _done()

    def Upsert(self, asked: Any) -> Any:
        points = [GrpcToRest.convert_point_struct(one) for one in asked.points]
        self._client.upsert(asked.collection_name, points)
        return _done()

    def Query(self, asked: Any) -> Any:
        found = self._client.query_points(
            asked.collection_name,
            query=GrpcToRest.convert_query(asked.query),
            query_filter=_filter(asked),
            limit=asked.limit,
            score_threshold=asked.score_threshold if asked.HasField("score_threshold") else None,
            with_payload=asked.with_payload.enable,
            using=asked.using or None,
            prefetch=[GrpcToRest.convert_prefetch_query(one) for one in asked.prefetch] or None,
            with_vectors=GrpcToRest.convert_with_vectors_selector(asked.with_vectors),
        ).points
        return pb.QueryResponse(result=[RestToGrpc.convert_scored_point(one) for one in found])

    def Count(self, asked: Any) -> Any:
        found = self._client.count(asked.collection_name, count_filter=_filter(asked))
        return pb.CountResponse(result=pb.CountResult(count=found.count))


def _filter(asked: Any) -> Any:
    return GrpcToRest.convert_filter(asked.filter) if asked.HasField("filter") else None


def _records(found: Any) -> list[Any]:
    return [RestToGrpc.convert_record(one) for one in found]


def _done() -> Any:
    done = pb.UpdateResult(operation_id=0, status=pb.UpdateStatus.Completed)
    return pb.PointsOperationResponse(result=done)


def _status(text: str) -> Any:
    if "not found" in text:
        return wire.StatusCode.NOT_FOUND
    return (
        wire.StatusCode.ALREADY_EXISTS
        if "already exists" in text
        else (wire.StatusCode.INVALID_ARGUMENT)
    )
