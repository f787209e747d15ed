"""Configuration: davy.yaml from its text to one frozen value, every problem with its line."""
