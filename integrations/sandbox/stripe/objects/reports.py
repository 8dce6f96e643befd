"""Reports and the files they end in."""

from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.store import Thing, new_id


def report_type(type_id: str, name: str, columns: tuple[str, ...], *, now: int) -> Thing:
    """Return a report that can be asked for, with data up to now."""
    return {
        "id": type_id,
        "object": "reporting.report_type",
        "data_available_end": now,
        "data_available_start": 0,
        "default_columns": list(columns),
        "livemode": False,
        "name": name,
        "updated": now,
        "version": int(type_id.rpartition(".")[2]),
    }


def report_run(asked: Thing, *, now: int) -> Thing:
    """Return a run of a report, not yet finished."""
    return {
        **nulls("error result succeeded_at"),
        "id": new_id("frr"),
        "object": "reporting.report_run",
        "created": now,
        "livemode": False,
        "parameters": asked.get("parameters") or {},
        "report_type": asked["report_type"],
        "status": "pending",
    }


def csv_file(name: str, text: str, *, now: int, url: str) -> Thing:
    """Return the file of a finished report; `url` is the sandbox's own address."""
    file_id = new_id("file")
    return {
        "id": file_id,
        "object": "file",
        "created": now,
        "expires_at": None,
        "filename": name,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={file_id}"},
        "purpose": "finance_report_run",
        "size": len(text.encode()),
        "title": None,
        "type": "csv",
        "url": f"{url}/v1/files/{file_id}/contents",
        "_text": text,
    }
