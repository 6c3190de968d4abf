"""Quality of generators."""
