"""One self-contained HTML page of a bundle's result files; the same tables as Markdown and CSV."""
