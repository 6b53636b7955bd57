"""A corpus of CSV files of every kind, and of files that are none, whose truth is known because code wrote them."""
