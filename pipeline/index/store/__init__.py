"""Where hash codes are searched: one interface over memory, embedded and server Qdrant."""

from pipeline.settings import silence_grpc

silence_grpc()  # here, since the modules of this package import the client, and it imports gRPC
