"""Syntax: words, flags, operands and variables of single instructions, as BuildKit has them."""
