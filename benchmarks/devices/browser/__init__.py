"""A browser on this machine as a place for measurements: headless Chromium, driven over loopback."""
