"""A small shop: it lists products, prices carts and takes orders over HTTP."""
