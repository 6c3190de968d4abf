"""Descriptions of files, bundles and this machine."""
