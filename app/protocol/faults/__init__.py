"""Faults: deliberate disruptions of the frames between the companion and a client, and of REST answers.
Pure: what a fault does to which frame depends only on a seed and on the number of frames.
"""
