"""Run programs of other Debian systems on emulated ARM processors, without root."""
