"""Sections: the parts of davy.yaml, one a file, with their keys and limits."""
