"""Territory in words: what publishers write about where a book may be sold, read into sets of countries. Pure."""
