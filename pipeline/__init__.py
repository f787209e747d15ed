"""Pipeline: what a release is, and how its steps run."""

__version__ = "0.1.0"
