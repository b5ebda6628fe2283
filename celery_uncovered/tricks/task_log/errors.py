"""What goes wrong in the bakery."""


class BakingError(Exception):
    """Something that another attempt may put right."""


class ColdOvenError(BakingError):
    def __init__(self, degrees: int, wanted: int) -> None:
        self.degrees, self.wanted = degrees, wanted
        super().__init__(f"The oven has {degrees} °C and needs {wanted} °C; it needs more time.")
