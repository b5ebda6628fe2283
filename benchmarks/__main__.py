"""``python -m benchmarks [--only report] [--repeat 3]``: measure, and write RESULTS.md."""

import argparse

from benchmarks import (
    backlog,
    chord,
    embedded,
    jobs,
    memory,
    report,
    results,
    runner,
    steps,
    submit_many,
    waiting,
)

COMPARISONS = {
    comparison.name: comparison
    for comparison in (
        report.COMPARISON,
        submit_many.COMPARISON,
        jobs.COMPARISON,
        backlog.COMPARISON,
        chord.COMPARISON,
        memory.COMPARISON,
        embedded.COMPARISON,
        steps.COMPARISON,
        waiting.COMPARISON,
    )
}


def main() -> None:
    options = parser().parse_args()
    chosen = [options.only] if options.only else list(COMPARISONS)
    if not options.render:
        for name in chosen:
            comparison = COMPARISONS[name]
            runner.measure(
                comparison, rounds=options.repeat or comparison.rounds, samples=options.samples
            ).write()
    results.write(COMPARISONS.values())
    print(f"Written: {results.PATH}")


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    arguments.add_argument("--only", choices=COMPARISONS, help="one comparison, not all of them")
    arguments.add_argument("--repeat", type=positive, help="rounds; most comparisons take 3")
    arguments.add_argument("--samples", type=positive, help="in each turn, for a quick trial")
    arguments.add_argument(
        "--render", action="store_true", help="measure nothing: RESULTS.md from results/ and notes/"
    )
    return arguments


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{text} is not at least 1."
        raise argparse.ArgumentTypeError(message)
    return number


if __name__ == "__main__":
    main()
