"""Images of any size through an artifact: plans, tiles, files and folders."""
