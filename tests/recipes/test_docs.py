from adatom.recipes.common.docs import documented_by


def below(a, b):
    """Below.

    Parameters
    ----------
    a
        First, in eV.

        On two paragraphs.
    b
        Second.

    Returns
    -------
    int
        None of the parameters.
    """


def other(b, c):
    """Other.

    Parameters
    ----------
    b
        Not this one.
    c
        Third.
    """


def test_the_words_come_from_where_they_are():
    @documented_by(below, other)
    def above(c, a, b, d):
        """Above.

        {parameters}

        Returns
        -------
        str
            Its own.
        """

    assert above.__doc__ == (
        "Above.\n\nParameters\n----------\nc\n    Third.\na\n    First, in eV.\n\n    On two paragraphs.\n"
        "b\n    Second.\n\nReturns\n-------\nstr\n    Its own."
    )


def test_its_own_stand_first_and_are_right_about_it():
    @documented_by(below, other)
    def above(a, c, b):
        """Above.

        Parameters
        ----------
        b
            Its own.
        {parameters}

        Returns
        -------
        str
            Its own.
        """

    assert above.__doc__ == (
        "Above.\n\nParameters\n----------\nb\n    Its own.\na\n    First, in eV.\n\n    On two paragraphs.\n"
        "c\n    Third.\n\nReturns\n-------\nstr\n    Its own."
    )


def test_without_docstrings():
    def bare(a): ...

    assert documented_by(below)(bare) is bare
    assert bare.__doc__ is None
