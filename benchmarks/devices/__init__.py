"""Places where a worker process runs."""
