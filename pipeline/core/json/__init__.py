"""JSON: read from outside within bounds, and davy's own, versioned."""
