"""The part of a deployment that runs on the device. It is sent over ssh, and needs only Python's standard library."""
