"""Waiting: readers who want to be told when a book is on sale."""
