"""Finding: the subjects, filters and words by which readers come to a shelf of books."""
