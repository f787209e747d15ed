"""davy.yaml found, loaded, validated and imported."""
