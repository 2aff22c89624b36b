"""The networks of timm as Workloads, and how fast two devices ran them.

``made`` traces the networks and stores them, ``stored`` is the form in which they are kept, ``measured`` reads the tables.
"""
