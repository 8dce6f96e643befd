"""Staff: who may look behind the counter, what they did there, and their pages."""
