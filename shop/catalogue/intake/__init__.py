"""Intake: ONIX becomes works and editions, by command or by a job of the staff's, and works told twice are one."""
