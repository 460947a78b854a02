"""Faults: deliberate disruptions of the frames between the companion and a client, and of REST answers.
Pure: whether a fault acts on a frame depends only on the fault, a seed and the number of frames that it has seen.
"""
