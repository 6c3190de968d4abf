"""Core ML packages: the conversion by coremltools, in a process of its own, and the check of their structure."""
