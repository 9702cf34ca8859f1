"""Permissions: every call of a known principal is allowed by its policies, or refused as AWS refuses it.

`reference.py` has what AWS publishes of each action; `derivation.py` says from that what an action is asked for on, for
an API call (`calls/`, which adds what is published as text only) and for a stack's resource (`stacks.py`, by the
CloudFormation registry); `keys.py` adds customers' keys; `authoriser.py` decides, `audit.py` remembers the decisions.
A call of which neither AWS's data nor `calls/` say what it needs is an error of the embedded cloud, never allowed.
"""
