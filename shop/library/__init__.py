"""The library: who may read what, how it reaches them, and the links that lead there."""
