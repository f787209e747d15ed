"""Render: events to a terminal, plain lines, JSON lines and CI annotations."""
