"""Statements of the field, each with a check that computes its numbers through the product.

One module a group of ``../shared/reference/claims.csv``; ``table.TABLE`` joins them. The claimed numbers stand in the
checks as the file prints them, so that most checks run where the file is absent; where it is present, the two are
compared.
"""
