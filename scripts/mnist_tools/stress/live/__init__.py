"""A camera, a broker and a clock that fail, for `scripts/tool stress meter`."""
