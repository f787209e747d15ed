"""Adapter: suites as Kubernetes Jobs."""
