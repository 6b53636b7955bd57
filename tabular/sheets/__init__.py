"""The inside of a workbook: its zip within limits, its sheets, their cells block by block, and the CSV made of them."""
