"""Permissions: every call of a known principal is allowed by its policies, or refused as AWS refuses it.

`demand.py` says what a call needs; `calls/` knows that for every call our application makes, service by service, as the
Service Authorization Reference has it; `authoriser.py` decides, `audit.py` remembers what was decided.
A call that `calls/` does not know is an error of the embedded cloud, never silently allowed.
"""
