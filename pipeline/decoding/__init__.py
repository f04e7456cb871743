"""Parts of `pipeline.images`: metadata, formats by content, more than 8 bits per channel."""
