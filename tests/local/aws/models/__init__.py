"""Of the services whose APIs the application, its stacks and their users call."""

SERVICES = (
    *("cloudformation", "cloudwatch", "dynamodb", "ec2", "efs", "eks", "events", "iam", "kms", "lambda", "logs"),
    *("organizations", "s3", "scheduler", "schemas", "sns", "sqs", "ssm", "stepfunctions", "sts"),
)
