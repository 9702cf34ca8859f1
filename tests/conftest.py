"""What tests of several parts use."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same inputs on every machine, however slow that is. HYPOTHESIS_PROFILE=explore tries others, and more of them.
settings.register_profile("explore", settings.get_profile("ci"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def aws_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto without the embedded AWS around it refuses what botocore's models do not allow, all the same."""
    from moto.core.responses import BaseResponse
    from moto.s3.responses import S3Response

    from local.aws.patches import models

    for owner, name in ((BaseResponse, "call_action"), (S3Response, "_bucket_response"), (S3Response, "_key_response")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    models.refuse_requests()


@pytest.fixture
def answers_by_models(aws_models: None) -> Iterator[None]:
    """And what it answers, AWS could have answered."""
    from local.aws.patches import models

    broken: list[str] = []
    models.check_answers(broken)
    yield
    assert not broken
