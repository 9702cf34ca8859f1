"""`make campaign`: every request that the machines make meets every fault, and what comes of it (docs/reliability.md).

In the order in which it happens: `requests` records what a good run asks AWS and Kubernetes; `faults` are what can
befall such a request, `deaths`, `triggers` and `clocks` what can befall a state; `machines` run with one of them armed;
`state` is what a run has left in the account; `judge` compares it with that of a run without fault; `results` keeps the
outcome, and `document` writes the table.
"""
