"""RESULTS.md, made from the raw figures and the notes: a section for each comparison measured."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import chaos, chaos_reminders
from benchmarks.comparison import Comparison, Figure, Goal, Side
from benchmarks.record import Record

PATH = Path(__file__).with_name("RESULTS.md")
NOTES = Path(__file__).with_name("notes")

HEAD = """# Results

What `make bench` measured: this project and its peers in turns within one run, on the same servers
with their default durability. Cells are medians (least to most of all samples). The raw figures are in
`results/`; what was found out about them is under *Notes*.
"""


def write(comparisons: Iterable[Comparison]) -> None:
    """Write the sections of all comparisons that were ever measured, now or before, and those of chaos."""
    sections = [
        section(comparison, record)
        for comparison in comparisons
        if (record := Record.read(comparison.name)) is not None
    ]
    ends = (chaos.section(), chaos_reminders.section())
    PATH.write_text("\n".join(filter(None, [HEAD, *sections, *ends])))


def section(comparison: Comparison, record: Record) -> str:
    parts = [
        f"## {comparison.name}",
        comparison.question,
        trial_warning(comparison, record),
        figures_table(comparison, record),
        ratios_table(comparison, record),
        goals_table(comparison, record),
        comparison.details(record),
        notes(comparison),
        measured_on(comparison, record),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def trial_warning(comparison: Comparison, record: Record) -> str:
    if record.rounds >= comparison.rounds:
        return ""
    return f"**A trial, not a result: {record.rounds} of at least {comparison.rounds} rounds.**"


def figures_table(comparison: Comparison, record: Record) -> str:
    heads = [figure.title for figure in comparison.figures]
    rows = [
        [side.title, *(cell(record, side, figure) for figure in comparison.figures)]
        for side in comparison.sides
    ]
    return f"{table(['', *heads], rows)}\n\n{rounds_table(comparison, record)}"


def cell(record: Record, side: Side, figure: Figure) -> str:
    samples = record.samples(side.name, figure.name)
    if not samples:
        return "-"
    middle, least, most = (
        f"{value:.{figure.digits}f}"
        for value in (record.median(side.name, figure.name), min(samples), max(samples))
    )
    return middle if least == most else f"{middle} ({least} to {most})"


def rounds_table(comparison: Comparison, record: Record) -> str:
    """The headline's median in each round: how far the rounds agree."""
    (figure,) = (one for one in comparison.figures if one.name == comparison.headline)
    rows = [
        [
            side.title,
            str(len(record.samples(side.name, figure.name))),
            *(
                f"{median:.{figure.digits}f}"
                for median in record.medians_of_rounds(side.name, figure.name)
            ),
        ]
        for side in comparison.sides
    ]
    heads = [f"round {number}" for number in range(1, record.rounds + 1)]
    return table([f"{figure.title}: medians", "samples", *heads], rows)


def ratios_table(comparison: Comparison, record: Record) -> str:
    peers = [side for side in comparison.sides if side.is_peer]
    if not peers:
        return ""
    rows = [
        [side.title, *(f"{ratio(comparison, record, side, peer):.2f}" for peer in peers)]
        for side in comparison.sides
        if not side.is_peer
    ]
    return table(["times as fast as", *(peer.title for peer in peers)], rows)


def ratio(comparison: Comparison, record: Record, side: Side, peer: Side) -> float:
    return record.median(peer.name, comparison.headline) / record.median(
        side.name, comparison.headline
    )


def goals_table(comparison: Comparison, record: Record) -> str:
    return table(["goal", "reached", "met"], [goal_row(goal, record) for goal in comparison.goals])


def goal_row(goal: Goal, record: Record) -> list[str]:
    met = "yes" if goal.is_met(record) else "**no**"
    return [goal.text, f"{goal.reached(record):.{goal.digits}f}", met]


def notes(comparison: Comparison) -> str:
    """What people wrote about the figures, verbatim."""
    path = NOTES / f"{comparison.name}.md"
    text = path.read_text().strip() if path.exists() else ""
    return text and f"### Notes\n\n{text}"


def measured_on(comparison: Comparison, record: Record) -> str:
    on = record.environment
    return "\n".join(
        [
            "### Measured",
            "",
            f"- {record.measured_at}; rounds: {record.rounds}; load before: {on['load']}",
            f"- {on['processor']}, {on['cores']} cores, {on['memory_gib']} GiB, {on['system']}",
            f"- this project: {listed(on['versions'])}",
            f"- peers: {listed(on['peers'])}",
            f"- again: `make bench ONLY={comparison.name}`",
        ]
    )


def listed(versions: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
