"""The page in which one draws, for any engine."""

import re

from mnist_runtime.serving.page import page_html


def test_a_title_is_text_whatever_it_contains() -> None:
    text = page_html("@ENGINE@ </title><script>alert(1)</script>", "<script>startPage(mine)</script>")
    assert text.count("startPage(mine)") == 1
    assert "alert(1)" not in text.replace("&lt;script&gt;alert(1)&lt;/script&gt;", "")


def test_only_the_given_connections_are_allowed() -> None:
    policy = re.compile(r"default-src 'none';.* connect-src ('none'|'self');")
    assert [policy.search(page_html("", "", connect=each))[1] for each in ("'none'", "'self'")] == ["'none'", "'self'"]


def test_it_refers_to_no_other_file() -> None:
    assert not re.search(r'(?:src|href)=(?!"data:)|https?://|url\(|@import', page_html("", ""))
