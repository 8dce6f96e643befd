"""The bench: what the shop's pages cost in CPU, beside a bare Flask response and a bare Jinja page."""
