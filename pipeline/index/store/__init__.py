"""Where hash codes are searched: one interface over memory, embedded and server Qdrant."""
