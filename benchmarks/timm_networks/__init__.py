"""The networks of timm as Workloads, and how fast two devices ran them.

``recorded`` notes what a module calls, ``made`` does so for all networks, ``stored`` is the form in which they are
kept, ``measured`` reads the tables; ``kernels`` counts the networks, ``eager`` and ``compiled`` know what PyTorch runs;
``trials`` fits again and again, ``baselines`` are what the fit is compared with.
"""
