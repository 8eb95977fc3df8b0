"""A classifier in forked processes, in copies and in pickles."""

import copy
import gc
import os
import pickle
import subprocess
import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from mnist_runtime import BACKENDS, Classifier, UsageError
from mnist_runtime.backends.registry import unsupported_reason
from mnist_runtime.backends.sharing import CLOSED, SharedBackends

INSTALLED = [name for name in BACKENDS if name in ("numpy", "litert") and unsupported_reason(name) is None]
BUSY_FORKS = """
import os, signal, sys, threading, warnings
import numpy as np
from mnist_runtime import Classifier

warnings.simplefilter("ignore")  # Python 3.12 warns of forks among threads
classifier = Classifier.load(backend=sys.argv[1], threads=2)
images = np.repeat(classifier.golden.images, 20, axis=0)
expected = classifier.predict(images).tolist()
started, finished = threading.Semaphore(0), threading.Event()

def use():
    while not finished.is_set():
        started.release()
        classifier.predict(images)

threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(3):
    started.acquire()
signal.alarm(60)
for _ in range(3):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(classifier.predict(images).tolist() != expected)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
finished.set()
for thread in threads:
    thread.join()
assert classifier.predict(images).tolist() == expected
"""
FORK_INSIDE_A_CALL = """
import os, sys
import numpy as np
from mnist_runtime import Artifact, Classifier, UsageError
from mnist_runtime.backends import sharing

sharing.PATIENCE = 0.01

class Forks:
    output = None
    def run(self, pixels):
        self.child = os.fork()
        return np.zeros((len(pixels), 10), np.float32)

backend = Forks()
forking = Classifier(Artifact.open(sys.argv[1]), [backend], "numpy")
images = np.zeros((1, 28, 28), np.uint8)
forking.scores(images)
if backend.child == 0:
    try:
        forking.scores(images)
    except UsageError as error:
        print(error, flush=True)
        os._exit(0)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(backend.child, 0)[1]) == 0
forking.scores(images)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no forks")
@pytest.mark.parametrize("backend", INSTALLED)
def test_a_fork_while_threads_classify(run: Callable[..., subprocess.CompletedProcess[str]], backend: str) -> None:
    done = run("python", "-c", BUSY_FORKS, backend)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no forks")
def test_a_child_that_got_no_interpreter_says_so(
    run: Callable[..., subprocess.CompletedProcess[str]], ready: dict[str, os.PathLike[str]]
) -> None:
    done = run("python", "-c", FORK_INSIDE_A_CALL, ready["tflite"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("This process was forked while another thread used this classifier.")


@pytest.mark.parametrize("act", [pickle.dumps, copy.deepcopy])
def test_it_is_neither_pickled_nor_copied_deeply(act: Callable[[Classifier], object]) -> None:
    with Classifier.load(backend="numpy") as classifier, pytest.raises(UsageError, match=r"belongs to this process\."):
        act(classifier)


def test_closing_a_copy_leaves_the_original_open(golden: np.ndarray) -> None:
    original = Classifier.load(backend="numpy")
    expected = original.predict(golden).tolist()
    with copy.copy(original) as copied:
        assert copied.predict(golden).tolist() == expected
    for _ in range(2):
        with pytest.raises(UsageError, match="is closed"):
            copied.predict(golden)
        copied.close()
        assert original.predict(golden).tolist() == expected
    with pytest.raises(UsageError, match="is closed"):
        copy.copy(copied)


@pytest.mark.long
def test_a_copy_stays_open_after_the_original(golden: np.ndarray) -> None:
    original = Classifier.load(backend="numpy")
    expected = original.predict(golden).tolist()
    copied = copy.copy(original)
    original.close()
    assert copied.predict(golden).tolist() == expected
    del copied
    gc.collect()
    with pytest.raises(UsageError, match="is closed"):
        original.predict(golden)


class Interpreter:
    """An interpreter, and an owner, that does nothing."""

    output = None

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return pixels


def test_closing_ends_all_calls_that_wait() -> None:
    owner, shared = Interpreter(), SharedBackends([Interpreter()])
    shared.share(owner)
    backend = shared.take()
    ended: list[str] = []

    def call() -> None:
        with pytest.raises(UsageError) as caught:
            shared.take()
        ended.append(str(caught.value))

    threads = [threading.Thread(target=call, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    shared.close(owner)
    for thread in threads:
        thread.join(10)
    assert ended == [CLOSED] * 3
    shared.give(backend)


def test_after_closing_no_interpreter_is_kept() -> None:
    owner, shared = Interpreter(), SharedBackends([Interpreter(), Interpreter()])
    shared.share(owner)
    used, idle = shared.take(), shared.take()
    shared.give(idle)
    kept = [weakref.ref(used), weakref.ref(idle)]
    shared.close(owner)
    shared.give(used)
    del used, idle
    gc.collect()
    assert [each() for each in kept] == [None, None]
