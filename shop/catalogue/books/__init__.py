"""Books as pages show them: what is read for them, what is kept of them, and what machines are told."""
