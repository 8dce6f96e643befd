"""The catalogue: books as written, their editions, what may be sold where, and the pages that show them."""
