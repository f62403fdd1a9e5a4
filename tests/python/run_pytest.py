"""pytest on a folder or file (default: this folder); 77 (skipped) where it or pandas is missing."""

import os
import sys

try:
    import pandas  # noqa: F401
    import pytest
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

targets = sys.argv[1:] or [os.path.dirname(os.path.abspath(__file__))]
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--durations=3", *targets]))
