"""The web app: its module against the Python upscaler, and its page in Chromium."""
