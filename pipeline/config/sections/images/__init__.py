"""`images` of davy.yaml: keys, a matrix spread out, and rules."""
