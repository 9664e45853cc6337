"""One page that shows a run: it carries its pictures in itself and asks the network for nothing."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from kata.figures.style import PagePicture


@dataclass(frozen=True)
class Table:
    """A table of strings: a heading a column, then the rows; the first column names the row."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Claim:
    """What was expected, what was measured, and whether it holds."""

    text: str
    measured: str
    holds: bool


def render(
    title: str,
    lead: str,
    pictures: Sequence[PagePicture],
    table: Table,
    notes: str,
    claims: Sequence[Claim],
    footer: str,
) -> str:
    """The page as HTML, with all pictures inside; every text is escaped."""
    figures = "\n".join(figure(number, p) for number, p in enumerate(pictures, start=1))
    body = f"""<section aria-labelledby="measured">
<h2 id="measured">What was measured</h2>
<div class="wide" tabindex="0" role="region" aria-label="table of measurements">{_table(table)}</div>
<p>{escape(notes)}</p>
<ul class="claims">
{"".join(_claim(claim) for claim in claims)}</ul>
</section>
<section aria-labelledby="figures">
<h2 id="figures">What it looks like</h2>
{figures}
</section>"""
    return frame(title, lead, body, footer)


def frame(title: str, lead: str, body: str, footer: str, style: str = "") -> str:
    """A page in the house's look around a body of HTML; title, lead and footer are escaped. style: more CSS."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{_STYLE}{style}</style>
</head>
<body>
<main>
<header>
<h1>{escape(title)}</h1>
<p class="lead">{escape(lead)}</p>
</header>
{body}
<footer>{escape(footer)}</footer>
</main>
</body>
</html>
"""


def figure(number: int, picture: PagePicture) -> str:
    """A picture with its words, as a part of a page."""
    data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
    return (
        f'<figure id="figure-{number}">\n<div class="wide">'
        f'<img src="data:image/png;base64,{data}" alt="{escape(picture.alt)}" loading="lazy"></div>\n'
        f"<figcaption><h3>{number}. {escape(picture.title)}</h3>\n"
        f"<p>{escape(picture.caption)}</p></figcaption>\n</figure>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in table.headings)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>\n"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"


def _claim(claim: Claim) -> str:
    word, kind = ("holds", "yes") if claim.holds else ("missed", "no")
    return (
        f'<li class="{kind}"><b>{word}</b> <span>{escape(claim.text)}: '
        f"{escape(claim.measured)}</span></li>\n"
    )


_STYLE = """
:root { --ink: #1c1c22; --soft: #5d5d66; --paper: #f7f7f4; --card: #fff; --rule: #dcdcd8;
  --yes: #00694a; --no: #a63c00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececef; --soft: #a9a9b3; --paper: #17171b; --card: #212127; --rule: #37373f;
    --yes: #4fc79c; --no: #ff9c66; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1.03rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .6rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 3rem 0 1rem; }
h3 { font-size: 1.05rem; margin: 0 0 .25rem; }
p { margin: 0 0 .9rem; }
.lead { color: var(--soft); font-size: 1.1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .4rem .6rem; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th { font-weight: 600; }
thead th { color: var(--soft); font-size: .88rem; white-space: normal; vertical-align: bottom; }
th:first-child { text-align: left; padding-left: 0; }
.claims { list-style: none; margin: 1.2rem 0 0; padding: 0; }
.claims li { display: flex; gap: .8rem; padding: .25rem 0; }
.claims b { flex: 0 0 4rem; font-weight: 600; }
.yes b { color: var(--yes); }
.no b { color: var(--no); }
figure { margin: 0 0 2.2rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: .6rem; overflow: hidden; }
figure .wide { background: #fff; padding: .9rem; text-align: center; }
figcaption { padding: .9rem 1.1rem 1rem; border-top: 1px solid var(--rule); }
figcaption p { margin: 0; color: var(--soft); }
img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
footer { color: var(--soft); font-size: .9rem; border-top: 1px solid var(--rule); padding-top: 1rem;
  overflow-wrap: anywhere; }
@media (max-width: 32rem) {
  main { padding: 1.5rem .8rem 3rem; }
  h1 { font-size: 1.55rem; }
  th, td { padding: .35rem .4rem; font-size: .92rem; }
  figure .wide { padding: .5rem; } }
"""
