"""Kayenta's rule by its own canary configs."""
