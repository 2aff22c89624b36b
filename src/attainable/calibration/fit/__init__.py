"""A device from a few measured latencies: effective efficiencies and overheads on top of a described one.

``observation`` says what a run of a network does, kernel by kernel; ``prediction`` is the model of its time;
``fit`` finds the figures of the device that explain the latencies; ``measurements`` reads a user's table.
"""
