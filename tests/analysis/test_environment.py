"""The environment record, and how two machines differ in words."""

from attainable.analysis.environment import differences, environment, readable
from attainable.runtimes.builds import Build
from attainable.timing.conditions import ISA_FLAGS


def test_versions_builds_and_what_was_read_around_a_run_are_in_the_record() -> None:
    build = Build("openvino", "usable", version="2026.4.1", build={"build": "releases/2026/4"})
    found = environment([build, Build("ncnn", "missing")], [("clock before", "3e+09 Hz")])
    assert found["attainable"] == "0.1.0"
    assert found["numpy"].count(".") >= 1
    assert (found["openvino"], found["openvino build"]) == ("2026.4.1", "releases/2026/4")
    assert found["clock before"] == "3e+09 Hz"
    assert "ncnn" not in found
    assert {"cpu", "cores", "isa", "governor", "numa nodes"} <= found.keys()


def test_a_machine_does_not_differ_from_itself() -> None:
    found = environment()
    assert differences(found, found) == ()


def test_instruction_sets_are_told_by_name_and_side() -> None:
    test, board = {"isa": "avx2 avx512f avx512_vnni"}, {"isa": "avx2 amx_tile"}
    assert differences(test, board, names=("the test machine", "the deployment machine")) == (
        "the test machine has AVX-512 and AVX-512 VNNI, the deployment machine has not",
        "the deployment machine has AMX, the test machine has not",
    )
    assert differences({"isa": "a b c"}, {"isa": ""}) == ("the first has a, b and c, the second has not",)


def test_settings_are_told_with_both_sides() -> None:
    first = {"governor": "powersave", "onnxruntime": "1.31.1", "cores": "2"}
    second = {"governor": "performance", "onnxruntime": "1.30.0", "cores": "2"}
    assert differences(first, second) == (
        "governor: powersave on the first, performance on the second",
        "onnxruntime: 1.31.1 on the first, 1.30.0 on the second",
    )


def test_what_changes_from_moment_to_moment_is_left_out() -> None:
    first = {
        "load average": "0.10",
        "load average before": "1",
        "temperature": "40",
        "others meanwhile": "1 %",
        "hand-over 0-1 after": "1e-07 s",
    }
    second = {"load average": "7.50", "load average before": "2", "temperature": "80", "others meanwhile": "9 %"}
    assert differences(first, second) == ()


def test_clocks_and_sizes_may_differ_a_little() -> None:
    # 3.00 against 2.95 GHz is 1.7 %, 3.0 against 2.9 is 3.3 %
    assert differences({"clock after": "3e+09 Hz"}, {"clock after": "2.95e+09 Hz"}) == ()
    assert differences({"clock after": "3e+09 Hz"}, {"clock after": "2.9e+09 Hz"}) == (
        "clock after: 3.00 GHz on the first, 2.90 GHz on the second",
    )
    # counts do not
    assert len(differences({"cores": "100"}, {"cores": "101"})) == 1
    assert differences({"memory limit": "1073741824 bytes"}, {"memory limit": "none"}) == (
        "memory limit: 1.00 GiB on the first, none on the second",
    )


def test_numbers_get_the_prefix_that_fits_and_other_texts_stay() -> None:
    assert [readable(text) for text in ("3.2e+09 Hz", "1024 bytes", "5.7e-08 s")] == ["3.20 GHz", "1.00 KiB", "57.0 ns"]
    for text in ("many bytes", "nan Hz", "1e999 bytes", "8 processors", "none", ""):
        assert readable(text) == text


def test_what_one_side_does_not_say_is_unknown_there() -> None:
    assert differences({"governor": "powersave"}, {}) == ("governor: powersave on the first, unknown on the second",)
    assert differences({"isa": "avx2"}, {"isa": "unknown"}) == ("isa: avx2 on the first, unknown on the second",)


def test_every_instruction_set_that_is_looked_for_has_a_name() -> None:
    for flag in ISA_FLAGS:
        (sentence,) = differences({"isa": f"x {flag}"}, {"isa": "x"})
        assert sentence != f"the first has {flag}, the second has not"
