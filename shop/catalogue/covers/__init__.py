"""Covers: drawn from the ISBN, or given by the publisher and made into the sizes that pages show."""
