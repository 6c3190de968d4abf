"""The float arithmetic around a tile graph, in numpy."""
