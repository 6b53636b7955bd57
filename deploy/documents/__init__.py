"""The machine-readable contracts, generated from the code: `python -m deploy.documents` writes them into docs/."""
