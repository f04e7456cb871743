"""Beyond one machine: shards of images encoded by many processes, and what sizes need."""
