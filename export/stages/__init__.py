"""The cached stages of an export."""
