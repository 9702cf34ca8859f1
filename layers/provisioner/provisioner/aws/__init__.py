"""The doors to AWS: sessions in target accounts, and what an AWS error means to the state machine."""
