"""Adapter: builders, one a file: BuildKit through buildx, the Docker Engine, Buildah."""
