"""Minutes of calls, to tell throttling from other processes."""
