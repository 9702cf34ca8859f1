"""`eks-efs`: what an operator holds in the hand, for one deployed stack.

Knows boto3 and the stack's outputs, as anybody's scripts could; requests are judged by the application's own model.
"""
