from adatom.cli.summary import change_results, summary

ONE = {"name": "relax", "results": {"energy": -1.0}, "dir_name": "/runs/one"}
TWO = {"results": [], "dir_name": "/runs/two", "steps": 3}


def test_results_are_found_wherever_they_are():
    rows = summary({"a": [ONE, (TWO,)], "b": 5, "c": None})
    assert [(row["result"], row["directory"]) for row in rows] == [("a[0]", "/runs/one"), ("a[1][0]", "/runs/two")]
    assert rows[0]["energy"] == -1.0
    assert rows[1]["energy"] is rows[1]["name"] is rows[1]["formula"] is rows[1]["max_force"] is None


def test_a_result_in_two_places_is_one_row():
    assert [row["result"] for row in summary({"bulk": ONE, "again": [ONE, TWO]})] == ["bulk", "again[1]"]


def test_dictionaries_that_only_look_alike_are_no_results():
    assert summary([{"results": {}}, {"dir_name": "/runs/one"}, {"results": {}, "dir_name": None}]) == []


def test_changed_results_keep_their_places():
    value = {"a": [ONE, (TWO, "text")], "b": 5}
    assert change_results(value, lambda result: result["dir_name"]) == {
        "a": ["/runs/one", ("/runs/two", "text")],
        "b": 5,
    }
    assert value["a"][0] is ONE
