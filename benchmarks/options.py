"""What the command line of the benchmarks chooses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """`objects`: the size of the account instead of each measurement's own; `rounds`: how often each is run."""

    objects: int | None = None
    rounds: int = 5

    def sizes(self, *usual: int) -> tuple[int, ...]:
        """The account sizes to measure at."""
        return usual if self.objects is None else (self.objects,)

    def command(self, name: str) -> str:
        """What reproduces a measurement under these options."""
        size = f" --objects {self.objects}" if self.objects is not None else ""
        return f"python -m benchmarks{size} --rounds {self.rounds} {name}"
