"""Install a model and the runtime on a device over ssh, and measure models there."""
