"""Prints the time, COUNT lines, one every SECONDS; waits first until followers are there."""
import sys
import time

count, pause = int(sys.argv[1]), float(sys.argv[2])
time.sleep(8)
for _ in range(count):
    print(f"t={time.time_ns()}", flush=True)
    time.sleep(pause)
