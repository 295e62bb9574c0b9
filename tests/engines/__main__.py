"""`python -m tests.engines`: builds what the engine tests run on; that takes minutes once, too long for a test.

What cannot be built here, for want of its tools, is left to the tests: they say what is missing.
"""

import contextlib

import pytest

from tests.engines.kafka import kafka_jars
from tests.engines.s3 import binary

for build in (kafka_jars, binary):
    with contextlib.suppress(pytest.skip.Exception):
        build()
