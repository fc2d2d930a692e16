"""The pictures of the report: what is drawn is what the figures are."""

from __future__ import annotations

import itertools
import re

from fbnetv2_tf.architecture import parse_architecture
from fbnetv2_tf.counting import count
from fbnetv2_tf.report.bar_chart import Bar, bar_chart
from fbnetv2_tf.report.close_choices import choice_histories, close_choices
from fbnetv2_tf.report.costs import cost_charts
from fbnetv2_tf.report.front_chart import Point, front_chart
from fbnetv2_tf.report.heat_map import LEFT, RIGHT, WIDTH, ChoiceHistory, heat_maps
from fbnetv2_tf.report.line_chart import Line, line_chart
from fbnetv2_tf.report.network_picture import BAR, HEIGHT, network_picture
from fbnetv2_tf.report.network_shape import network_columns, scale_of
from fbnetv2_tf.space import parse_space

from .report_runs import CHILD, SPACE, history, search_record


def numbers(pattern: str, svg: str) -> list[float]:
    return [float(found) for found in re.findall(pattern, svg)]


def test_bars_of_the_network_are_as_high_as_it_is_wide() -> None:
    network = parse_architecture(CHILD)
    svg = str(network_picture(network))
    heights = numbers(rf'width="{BAR}" height="([\d.]+)" class="r\d"', svg)
    assert heights == [round(HEIGHT * channels / 16, 2) for channels in (1, 8, 16, 3)]


def test_what_a_block_could_have_had_is_outlined() -> None:
    network, space = parse_architecture(CHILD), parse_space(SPACE)
    svg = str(network_picture(network, space))
    assert svg.count('class="could"') == 2
    assert scale_of(network_columns(network, space)) == 16
    assert "block 2: inverted residual 3x3, expansion 2, 16 channels at 4x4, relu" in svg


def test_long_vectors_are_cut_off() -> None:
    text = "in_hw8_c1 cn_k3_s2_c8_nhs ip_e2_c500_nhs fc_c3"
    svg = str(network_picture(parse_architecture(text)))
    assert svg.count('class="break"') == 1
    assert ">500</text>" in svg


def test_a_heat_map_is_as_strong_as_the_choice_is_likely() -> None:
    choice = ChoiceHistory("kernel", ["3", "5"], [[0.5, 0.5], [1.0, 0.0]], chosen=0)
    svg = str(heat_maps("block 1", [choice]))
    shades = dict(re.findall(r'<path d="([^"]+)" class="heat" fill-opacity="([\d.]+)"', svg))
    cells = {opacity: d.count("M") for d, opacity in shades.items()}
    assert cells == {"0.5": 2, "1": 1}
    width = (WIDTH - LEFT - RIGHT) / 2
    assert f"M{LEFT + width:.1f} 15H{LEFT + 2 * width:.1f}" in next(
        d for d, o in shades.items() if o == "1"
    )
    assert "kernel: 3 100 %, 5 0 %" in svg
    assert svg.count('class="frame"') == 1


def test_a_line_leaves_out_what_was_not_measured() -> None:
    svg = str(line_chart("Cost", [Line("expected", [None, 4.0, 2.0])], str, limit=3.0))
    [points] = re.findall(r'<polyline points="([^"]+)"', svg)
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in points.split())
    assert x1 < x2
    assert y1 < y2  # down on the page is less
    [limit] = numbers(r'y1="([\d.]+)" y2="[\d.]+" class="limit"', svg)
    assert abs(limit - (y1 + y2) / 2) < 0.1
    assert "at the end: expected 2.0" in svg


def test_names_at_the_ends_of_lines_do_not_overlap() -> None:
    lines = [Line(str(i), [0.5, 1.0 + i / 1000]) for i in range(3)]
    svg = str(line_chart("Loss", [*lines, Line("far", [0.0, 0.0])], str))
    places = sorted(numbers(r'<text x="[\d.]+" y="([\d.]+)" text-anchor="start" class="name', svg))
    assert len(places) == 4
    assert all(after - before >= 12.9 for before, after in itertools.pairwise(places))


def test_bars_are_to_scale() -> None:
    svg = str(bar_chart("MACs", [Bar("1 cn", 50.0, 200.0), Bar("2 ir", 100.0, 100.0)], str))
    own = numbers(r'width="([\d.]+)" height="[\d.]+" class="bar"', svg)
    largest = numbers(r'width="([\d.]+)" height="[\d.]+" class="pale"', svg)
    assert own[1] == 2 * own[0]
    assert largest == [4 * own[0], own[1]]


def test_the_costs_of_the_blocks_add_up() -> None:
    network, largest = parse_architecture(CHILD), parse_space(SPACE).largest
    macs, weights, memory = cost_charts(network, largest)
    cost = count(network)
    assert macs.total.startswith(f"{cost.macs / 1000:.2f}k (")
    assert weights.total.startswith(f"{cost.weights}")
    assert memory.total.startswith(f"{cost.activation_bytes / 1024:.3f} KiB")


def test_the_front_is_in_the_order_of_cost() -> None:
    points = [Point("b", 2e6, 0.9, 2e6), Point("a", 1e6, 0.8, 1e6)]
    svg = str(front_chart("Front", points, joined=True))
    circles = numbers(r'<circle cx="([\d.]+)"', svg)
    assert circles == sorted(circles)
    assert "a: 1.00M, 80.0 %; b: 2.00M, 90.0 %" in svg
    assert svg.count('class="limit"') == 2


def test_names_of_equal_networks_stand_one_below_the_other() -> None:
    points = [Point(name, 1e6, 0.8) for name in ("first", "second", "third")]
    svg = str(front_chart("Front", points, joined=False))
    pattern = r'<text x="[\d.]+" y="([\d.]+)" text-anchor="\w+" class="tick chosen"'
    places = sorted(numbers(pattern, svg))
    assert len(places) == 3
    assert all(after - before >= 13 for before, after in itertools.pairwise(places))


def test_a_skip_that_is_nothing_has_no_activation() -> None:
    text = "in_hw8_c1 cn_k3_s2_c8_nre sk_s1_c8_nre sk_s1_c16_nre fc_c3"
    columns = network_columns(parse_architecture(text))
    assert [column.activation for column in columns] == ["", "relu", "", "relu", ""]


def test_a_runner_up_costs_what_its_network_counts() -> None:
    space, network = parse_space(SPACE), parse_architecture(CHILD)
    close = close_choices(space, network, search_record()["probabilities"], 10_000, number=99)
    found = {(c.block, c.name): c for c in close}
    kernel = found[2, "kernel"]
    other = parse_architecture(CHILD.replace("ir_k3", "ir_k5"))
    assert (kernel.taken, kernel.other) == ("3", "5")
    assert kernel.macs == count(other).macs - count(network).macs
    assert kernel.keeps is (count(other).macs <= 10_000)
    skipped = parse_architecture("in_hw8_c1 cn_k3_s2_c8_nhs sk_s1_c16_nre fc_c3")
    assert found[2, "kind"].macs == count(skipped).macs - count(network).macs
    gaps = [c.taken_share - c.other_share for c in close]
    assert gaps == sorted(gaps)


def test_choices_are_grouped_by_block() -> None:
    space = parse_space(SPACE)
    grouped = choice_histories(space, parse_architecture(CHILD), history(space, 3))
    assert list(grouped) == [1, 2]
    assert [choice.name for choice in grouped[1]] == ["channels"]
    assert grouped[1][0].chosen == 0
    assert [len(choice.probabilities) for choice in grouped[2]] == [3] * 6
