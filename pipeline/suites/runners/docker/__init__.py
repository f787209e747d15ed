"""Adapter: suites in containers of a Docker Engine."""
