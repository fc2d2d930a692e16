"""The pages of the report: whole, harmless, small, and right in their figures."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fbnetv2_tf.errors import InputError, RunError
from fbnetv2_tf.report import compare, write_report
from fbnetv2_tf.run_folder import ARCHITECTURE, SEARCH, TRAIN, RunFolder
from fbnetv2_tf.space import parse_space

from .report_runs import (
    CHILD,
    budgets_run,
    count_of,
    search_record,
    searched_run,
    train_record,
    trained_run,
)

VOID = {"meta", "link", "br"}
LOADS = {"src", "srcset", "data", "action", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """What the tests look at: balanced elements, what they would load, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.titles = 0
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        assert tag != "script"
        assert not LOADS & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        if attributes.get("href") is not None:
            self.links.append(str(attributes["href"]))
        if tag == "svg":
            self.pictures.append(attributes)
        self.titles += tag == "title"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(path: Path) -> Page:
    html = path.read_text(encoding="utf-8")
    assert "@import" not in html
    assert "url(" not in html
    assert set(re.findall(r"https?://[^\"' ]*", html)) <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html
    return Page(html)


def test_the_report_of_a_whole_run(tmp_path: Path) -> None:
    page = page_of(write_report(trained_run(tmp_path / "run").path))
    share = 100 * count_of(CHILD) / 10_000
    assert f"{share:.1f} % of the budget is used" in page.text
    assert "gets 72.50 % of 40 test images right" in page.text
    assert "model_int8.tflite LiteRT, int8 20.0 KiB 70.00 % 97.50 %" in page.text
    assert "seed 7" in page.text
    assert "128 weights, 32 architecture, 40 validation, 40 test" in page.text
    assert "fbnetv2-search --flagfile=" in page.text
    assert CHILD in page.text
    assert "Runners-up" in page.text
    assert "its epochs took 40 seconds" in page.text


def test_every_picture_says_what_it_shows(tmp_path: Path) -> None:
    page = page_of(write_report(trained_run(tmp_path / "run").path))
    told = [p for p in page.pictures if p.get("role") == "img"]
    hidden = [p for p in page.pictures if p.get("aria-hidden") == "true"]
    assert len(told) + len(hidden) == len(page.pictures)
    assert len(told) >= 10
    assert page.titles >= len(told) + 1  # the page's own


def test_finalists_show_what_their_training_gave(tmp_path: Path) -> None:
    record = search_record()
    record["candidates"][0]["trained"] = {"loss": 0.25, "accuracy": 0.9}
    record["candidates"][1]["trained"] = None
    page = page_of(write_report(searched_run(tmp_path / "run", record).path))
    assert "the best 1 then had a short training of their own" in page.text
    assert "weights blocks that differ from the first 0.250 0.500 80.0" in page.text
    older = page_of(write_report(searched_run(tmp_path / "older").path))
    assert "short training" not in older.text


def test_one_epoch_is_no_epochs(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    record = train_record()
    run.write_json(TRAIN, {**record, "history": record["history"][:1]})
    assert "1 epoch on 160 images" in page_of(write_report(run.path)).text


def test_a_search_that_is_not_trained_yet(tmp_path: Path) -> None:
    page = page_of(write_report(searched_run(tmp_path / "run").path))
    assert "80.0 % of the validation images right; it is not trained yet" in page.text
    assert "Training" not in page.text


def test_a_search_that_was_stopped_in_between_has_no_time(tmp_path: Path) -> None:
    record = {**search_record(), "seconds": None}
    page = page_of(write_report(searched_run(tmp_path / "run", record).path))
    assert "its epochs took" not in page.text


def test_what_the_search_warned_of_is_said_once(tmp_path: Path) -> None:
    record = search_record()
    for epoch in record["history"]:
        epoch["alarms"] = ["Nearly every choice is a skip."]
    page = page_of(write_report(searched_run(tmp_path / "run", record).path))
    assert page.text.count("Nearly every choice is a skip.") == 1


def test_a_network_that_was_not_searched(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.write_json(TRAIN, train_record())
    page = page_of(write_report(run.path))
    assert "gets 72.50 %" in page.text
    assert "How the search came to it" not in page.text


def test_a_folder_of_an_architecture_alone(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.write_text(ARCHITECTURE, CHILD)
    assert "What it costs, block by block" in page_of(write_report(run.path)).text


def test_the_report_of_several_budgets(tmp_path: Path) -> None:
    page = page_of(write_report(budgets_run(tmp_path / "run").path))
    assert "2 networks for 2 budgets: tiny.npz" in page.text
    assert [link for link in page.links if link.endswith("report.html")] == [
        "macs_10000/report.html",
        "macs_20000/report.html",
    ]
    assert "90.0 %" in page.text


def test_runs_side_by_side(tmp_path: Path) -> None:
    first = trained_run(tmp_path / "first")
    record = search_record()
    record["options"]["settings"]["seed"] = 8
    second = searched_run(tmp_path / "second", record)
    page = page_of(compare([first.path, second.path], tmp_path / "both.html"))
    assert "2 runs side by side" in page.text
    assert "first tiny.npz 10.0k MACs" in page.text
    assert "search: seed 7 8" in page.text
    assert "search: epochs" not in page.text
    assert "validation, inherited" in page.text
    assert "The runs have the same flags." not in page.text


def test_runs_with_the_same_flags_say_so(tmp_path: Path) -> None:
    runs = [trained_run(tmp_path / name).path for name in ("first", "second")]
    page = page_of(compare(runs, tmp_path / "both.html"))
    assert "The runs have the same flags." in page.text


def test_a_search_for_several_budgets_stands_for_its_networks(tmp_path: Path) -> None:
    runs = [budgets_run(tmp_path / "many").path, trained_run(tmp_path / "one").path]
    text = page_of(compare(runs, tmp_path / "all.html")).text
    assert "3 runs side by side" in text
    assert "many/macs_10000 tiny.npz" in text
    assert "many/macs_20000 tiny.npz" in text


def test_a_comparison_needs_two_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 2 run folders"):
        compare([tmp_path], tmp_path / "both.html")


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    record = search_record()
    record["dataset"]["name"] = '<script>alert(1)</script> & "friends"'
    record["options"]["data_dir"] = "</td><img src=x>"
    page = page_of(write_report(searched_run(tmp_path / "run", record).path))
    assert "<script>alert(1)</script>" in page.text


def test_a_large_space_and_a_long_search_stay_small(tmp_path: Path) -> None:
    space = parse_space("fbnetv2_f")
    record = search_record("fbnetv2_f", str(space.sample(1)), epochs=60)
    path = write_report(searched_run(tmp_path / "run", record).path)
    page_of(path)
    assert path.stat().st_size < 3_000_000


def test_the_paper_s_objective_has_no_budget(tmp_path: Path) -> None:
    record = {**search_record(), "limits": {}, "held": {}}
    for epoch in record["history"]:
        epoch["objective"] *= 0.1
    page = page_of(write_report(searched_run(tmp_path / "run", record).path))
    assert "Expected MACs" in page.text
    assert "budget" not in page.text.split("How the search came to it")[1].split("What each")[0]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="must hold one of"):
        write_report(tmp_path)


def test_a_damaged_search_is_one_sentence(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_json(SEARCH, {"space": "in_hw8_c1 fc_c2"})
    with pytest.raises(RunError, match=r"search.json': options is missing\."):
        write_report(run.path)


def test_probabilities_of_other_choices_are_refused(tmp_path: Path) -> None:
    record = search_record()
    record["history"][1]["probabilities"]["b01_channels"] = [1.0]
    searched_run(tmp_path, record)
    with pytest.raises(RunError, match=r"probabilities.b01_channels must be 2 shares, one for eac"):
        write_report(tmp_path)


def test_a_child_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    run = budgets_run(tmp_path)
    record = run.read_json(SEARCH)
    record["children"][0]["folder"] = "../../other"
    run.write_json(SEARCH, record)
    with pytest.raises(RunError, match=r"children\[0\].folder must be the name of a file"):
        write_report(tmp_path)
