"""The interface of a runtime: what an adapter gives, and what is told of the files that it runs."""
