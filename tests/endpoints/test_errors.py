"""Each error of a request has a status code."""

import pytest

from app.endpoints.errors import STATUS, status_of
from app.protocol.errors import RequestError


@pytest.mark.parametrize("kind", [*STATUS, RequestError])
def test_every_error_has_a_status_code(kind: type[RequestError]) -> None:
    assert status_of(kind("why")) == STATUS.get(kind, 400)
