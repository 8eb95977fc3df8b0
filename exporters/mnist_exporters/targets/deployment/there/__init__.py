"""The part of a deployment that runs on the device: it is sent over ssh, and needs Python and its standard library."""
