"""What analyses say where there is too little to say anything."""


class ThinDataError(ValueError):
    """There is too little data for an answer that would mean something.

    :param code: short name of what is missing, for whoever puts it into a sentence
    :param numbers: the figures of that sentence, such as what there is and what is needed
    """

    def __init__(self, code: str, **numbers):
        super().__init__(code, numbers)
        self.code = code
        self.numbers = numbers

    def __str__(self):
        figures = ", ".join(f"{name}={value}" for name, value in self.numbers.items())
        return f"{self.code} ({figures})" if figures else self.code
