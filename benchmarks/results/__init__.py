"""Result files: keys, headers, how they are written."""
