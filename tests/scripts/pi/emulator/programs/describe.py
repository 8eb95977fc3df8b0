"""Print the architecture and the version of Python, and start another program."""

import platform
import subprocess

if __name__ == "__main__":
    print(platform.machine(), *platform.python_version_tuple()[:2], flush=True)
    subprocess.run(["uname", "-m"], check=True)
