"""The steps of an export, one a module: each writes files into a folder, from files and values alone.

What a step's module imports is what its stored result depends on; packages that take long to load are imported inside
its functions, so that a cached export stays fast.
"""
