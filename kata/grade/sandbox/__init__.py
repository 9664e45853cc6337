"""Run submitted code, and bring back nothing of it but bytes.

What is covered, with either isolation:

- Every job has a process of its own, and a folder of its own that is removed afterwards.
- Limits: seconds, processor seconds, memory and number of all its processes together, bytes
  printed, bytes answered, size of a file, open files. A job over a limit is ended, with a reason.
- It inherits no environment variable of the grader's, and no open file but its three pipes.
- What it leaves running is ended with it: daemons too, on Linux.
- The expected values are never there. Only the questions are loaded (view.py), and the seed of
  their inputs arrives after the submission is loaded. The grader applies the rules, to tensors.
- What comes back is parsed under caps and never unpickled: it can neither run nor fill memory.

What is covered by strict isolation alone, on Linux with bubblewrap:

- Files: it can read the system's libraries, the Python in use and the questions. It cannot read the
  solutions, the tests, other submissions or the home folder. It can write to 64 MB in memory.
- Network: there is none.
- Other processes: it sees none and can end none.
- Privileges: none, in a user namespace of its own, and none to be had by executing a file.

layers.py tries most of this from inside before anything is graded. A layer that fails stops a
strict run; a run with process isolation goes on, and every report names the layer.

What is not covered:

- The worker itself: a submission can replace the functions that ask it and forge every answer. So
  what it tells of its own behaviour can only cost points. A forged value must still be correct.
- Flaws of the kernel: no filter of system calls, no virtual machine.
- Covert channels: processor load, memory and timing tell of jobs that run at the same time.
- The time between two looks (20 ms): many processes together can pass a limit for that long.
- With process isolation: all that strict alone covers, and signals to the grader. Use it for code
  that you trust.
- On macOS: memory and the number of processes are not limited, and daemons are not found. On
  Windows, which has no fork: the time limit alone holds.
"""
