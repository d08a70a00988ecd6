"""``python -m fastconv``: the command line where its script is not on the path."""

from fastconv.cli import main

raise SystemExit(main())
