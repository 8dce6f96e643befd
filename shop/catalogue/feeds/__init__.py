"""Feeds: the catalogue for machines. Atom, calendars, sitemaps, OPDS, shopping pages, and ONIX out."""
