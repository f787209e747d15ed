"""Adapter: the places that suites run in, one a file or a folder."""
