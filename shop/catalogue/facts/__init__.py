"""Facts of a book in a reader's words: what it is made of, who can read it, in which language. Pure."""
