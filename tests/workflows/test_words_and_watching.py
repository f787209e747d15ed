"""A person's words, and watching from elsewhere, in the memory world."""
