"""The vector database: publishing codes, searching them."""
