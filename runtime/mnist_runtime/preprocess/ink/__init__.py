"""Separate ink from background: `clean` for drawings and scans, `photo` for photographs."""
