from pathlib import Path

import pytest

from mnist_exporters.pipeline.manifest import processor_name

X86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9R14 \nmodel name\t: another\n"
PI = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd0b\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"


@pytest.mark.parametrize(
    ("text", "name"), [(X86, "AMD EPYC 9R14"), (PI, "Raspberry Pi 5 Model B Rev 1.0"), ("model name: \x1b[2J\n", "[2J")]
)
def test_the_processor_is_named_as_linux_names_it(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert processor_name(tmp_path / "cpuinfo") == name


def test_without_a_name_it_is_the_machine(tmp_path: Path) -> None:
    assert processor_name(tmp_path / "missing")
