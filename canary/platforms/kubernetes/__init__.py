"""Adapter: a Deployment of Kubernetes, held in the middle of its rolling update."""
