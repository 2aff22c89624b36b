from pathlib import Path
from xml.etree import ElementTree

from tests.cli.shown import Command
from tests.models import chain, save
from tests.report.evil import EVIL_NAMES

SVG = "{http://www.w3.org/2000/svg}"


def test_the_chart_is_drawn_and_written(attainable: Command, tmp_path: Path) -> None:
    model = save(chain(2), tmp_path)
    shown = attainable("roofline", model, "--device", "i9-10980xe", "--output", "chart.svg")
    assert shown.code == 0, shown.err
    # measured roofs solid, those on paper beside them dashed
    assert "─  2.86 Top/s, float32 vector, measured, ridge 38.6 op/byte" in shown.out
    assert "╌  4.61 Top/s, float32 vector, assumed" in shown.out
    assert "●" in shown.out or "◆" in shown.out
    root = ElementTree.fromstring(Path("chart.svg").read_text())  # noqa: S314  our own file
    classes = [line.get("class") for line in root.iter(f"{SVG}line") if "roof" in (line.get("class") or "")]
    assert "roof" in classes
    assert "roof paper beside" in classes
    assert any("ridge" in (text.get("class") or "") for text in root.iter(f"{SVG}text"))
    assert attainable("roofline", model, "--device", "i9-10980xe", "--output", "chart.svg").code == 2


def test_several_models_have_their_letters_and_colours(attainable: Command) -> None:
    shown = attainable("roofline", "squeezenet1_1", "mobilenet-v2", "--device", "rk1808", "--output", "two.svg")
    assert "A a  squeezenet1_1" in shown.out
    assert "B b  mobilenet-v2" in shown.out
    assert "quantised to int8" in shown.err
    assert "series-1" in Path("two.svg").read_text()


def test_an_output_that_is_no_svg_is_refused_before_anything_is_read(attainable: Command) -> None:
    shown = attainable("roofline", "no-such-model", "--device", "i9-10980xe", "--output", "chart.png")
    assert (shown.code, shown.out) == (2, "")
    assert "can only be an SVG file" in shown.err


def test_one_device_is_drawn(attainable: Command) -> None:
    for devices in ("i9-10980xe,rk1808", "", ","):
        shown = attainable("roofline", "mobilenet-v2", "--device", devices)
        assert (shown.code, shown.out) == (2, "")
        assert "--device: takes one device" in shown.err


def test_the_chart_says_what_it_draws_and_refuses_what_it_does_not(attainable: Command) -> None:
    shown = attainable("roofline", "mobilenet-v2", "--device", "i9-10980xe", "--accounting", "contractions,specified")
    assert "with its traffic counted unfused" in " ".join(shown.out.split())
    for words in ("caches", "w+out", "efficiency", "alignment", "launch"):
        refused = attainable("roofline", "mobilenet-v2", "--device", "i9-10980xe", "--accounting", words)
        assert (refused.code, refused.out) == (2, "")
        assert "--accounting: asks for more than is drawn" in refused.err


def test_a_device_that_states_nothing_has_no_chart(attainable: Command) -> None:
    shown = attainable("roofline", "mobilenet-v2", "--device", "novatek-nt98690")
    assert shown.code == 0
    assert "There is nothing to draw" in shown.out
    assert "op/s" not in shown.out


def test_a_hostile_file_name_stays_text(attainable: Command, tmp_path: Path) -> None:
    for name in EVIL_NAMES.values():
        safe = name.encode(errors="ignore").decode().replace("/", "_").replace("\0", "_")[:60].strip() or "x"
        model = save(chain(1), tmp_path, f"{safe}.onnx")
        shown = attainable("roofline", model, "--device", "i9-10980xe", "--output", "evil.svg", "--force")
        assert shown.code == 0, (name, shown.err)
        ElementTree.fromstring(Path("evil.svg").read_text())  # noqa: S314  our own file
        assert shown.out.replace("\n", "").isprintable()
