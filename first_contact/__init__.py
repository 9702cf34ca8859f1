"""The first contact with an account: what AWS itself says of what docs/assumptions.md relies on.

Knows boto3, the stack's outputs and the repository's files; the embedded cloud is to it one more endpoint.
"""
