"""The bundle: a directory of artifacts, goldens and a manifest that says what they are."""
