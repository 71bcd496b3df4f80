from adatom.schemas.search import change_results, find_results

ONE = {"name": "relax", "results": {"energy": -1.0}, "dir_name": "/runs/one"}
TWO = {"results": [], "dir_name": "/runs/two", "steps": 3}


def test_results_are_found_wherever_they_are():
    value = {"a": [ONE, (TWO,)], "b": 5, "c": None}
    assert list(find_results(value)) == [("a[0]", ONE), ("a[1][0]", TWO)]
    assert list(find_results(ONE)) == [("", ONE)]
    assert list(find_results([ONE], "flow")) == [("flow[0]", ONE)]


def test_dictionaries_that_only_look_alike_are_no_results():
    assert list(find_results([{"results": {}}, {"dir_name": "/runs/one"}, {"results": {}, "dir_name": None}])) == []


def test_changed_results_keep_their_places():
    value = {"a": [ONE, (TWO, "text")], "b": 5}
    assert change_results(value, lambda result: result["dir_name"]) == {
        "a": ["/runs/one", ("/runs/two", "text")],
        "b": 5,
    }
    assert value["a"][0] is ONE
