"""The parts of `pipeline.images`: metadata, formats by content, and more than 8 bits a channel."""
