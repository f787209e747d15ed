"""Plots, in the terminal and as pages."""
