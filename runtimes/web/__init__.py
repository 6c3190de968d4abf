"""Bundles in browsers: the page of `edgesr web`, its data, and a server for it. The app itself is in `app/`."""
