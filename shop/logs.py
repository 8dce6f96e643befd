"""Logs: lines of JSON with ids in them: no secret, no token, no address of a person."""

from __future__ import annotations

import logging

import structlog


def configure() -> None:
    """Write logs so from now on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
