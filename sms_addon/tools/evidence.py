"""What keeps a study from saying anything; nothing here knows Odoo."""


class ThinDataError(ValueError):
    """The data does not bear the answer.

    :param str code: which reason, for whoever puts it in a sentence
    :param numbers: what the sentence needs
    """

    def __init__(self, code: str, **numbers):
        super().__init__(f"{code}: {numbers}")
        self.code = code
        self.numbers = numbers
