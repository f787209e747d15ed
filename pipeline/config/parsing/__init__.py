"""Parsing: from YAML to values, without a model library where the file is right."""
