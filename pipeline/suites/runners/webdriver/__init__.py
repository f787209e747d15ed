"""Adapter: clouds of browsers behind a WebDriver proxy of davy's own."""
