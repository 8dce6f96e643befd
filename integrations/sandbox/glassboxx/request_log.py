"""The log of calls, free of passwords and tokens, so that a test can compare them with the contract."""

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Request

    from integrations.sandbox.glassboxx.store import Store

KEPT = 5000
REMOVED = "[removed]"
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{43}")


class RequestLog:
    """The last few thousand calls."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def write(self, request: "Request", received_at: str, status: int | None, answer: str, fault: str) -> None:
        """Keep one call; a status of None says that it was cut off before anything happened."""
        with self._store.transaction():
            self._store.run(
                "insert into request_log (received_at, method, path, query, body, status, answer, fault)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                received_at,
                request.method,
                request.path,
                json.dumps(without_password(request.args.to_dict())),
                json.dumps(readable_body(request.get_data(as_text=True))),
                status,
                TOKEN.sub(REMOVED, answer),
                fault,
            )
            self._store.run("delete from request_log where id <= (select max(id) from request_log) - ?", KEPT)

    def all(self) -> list[dict[str, Any]]:
        """Return the calls, oldest first; `body` is parsed JSON, or the text if it was none."""
        rows = self._store.rows("select * from request_log order by id")
        return [{**row, "query": json.loads(row["query"]), "body": json.loads(row["body"])} for row in rows]

    def forget(self) -> None:
        """Empty the log."""
        self._store.run("delete from request_log")


def readable_body(text: str) -> Any:
    """Return the body parsed, without its password; a body that is not JSON stays text."""
    try:
        return without_password(json.loads(text)) if text else None
    except ValueError:
        return REMOVED if "password" in text.casefold() else TOKEN.sub(REMOVED, text)


def without_password(body: Any) -> Any:
    """Return the body with its password, if it has one, removed."""
    if isinstance(body, dict) and "password" in body:
        return {**body, "password": REMOVED}
    return body
