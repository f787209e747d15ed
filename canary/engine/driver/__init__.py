"""Driver: plays the machine against cluster, journal and judge."""
