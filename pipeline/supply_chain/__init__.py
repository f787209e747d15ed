"""Supply chain: evidence beside images: scans, signatures, provenance, and the policy over them."""
