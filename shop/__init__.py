"""Frontlist, a publisher's own bookshop: features stand in the order in which a book is sold."""
