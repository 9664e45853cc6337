"""Run submitted code, and bring back nothing of it but bytes.

What is covered, with either isolation:

- Every job has a process of its own, and a folder of its own that is removed afterwards.
- Limits: seconds, processor seconds, memory and number of all its processes together, bytes
  printed, bytes answered, size of a file, open files. A job over a limit is ended, with a reason.
  Memory that several processes share counts once; the seconds of children that have gone count.
- Where control groups can be had (Linux, as root or with a delegated group), the kernel itself
  holds the limit of memory, and counts what no process maps.
- It inherits no environment variable of the grader's, and no open file but its three pipes.
- What it leaves running is ended with it: daemons too, on Linux.
- The expected values are never there. Only the questions are loaded (view.py), and the seed of
  their inputs arrives after the submission is loaded. The grader applies the rules, to tensors.
- What comes back is parsed under caps and never unpickled: it can neither run nor fill memory.

What is covered by strict isolation alone, on Linux with bubblewrap and libseccomp:

- Files: it can read the system's libraries, the Python in use, the questions, and the solutions
  that its step builds on. It cannot read the other solutions, the tests, other submissions or the
  home folder. It can write to two folders of 64 MB in memory. Nothing outside can be changed,
  device nodes included.
- Network: each job has one of its own, in which it is alone.
- Other processes: it sees none and can end none.
- What the kernel keeps for several jobs: each has its own keyring, shared memory, semaphores and
  message queues; it can neither lock a file nor watch one.
- System calls: an allow-list (syscalls.py). Tracing, namespaces, mounts, keys, io_uring, bpf,
  files in memory and calls of other architectures do not exist in a job.
- Privileges: none, in a user namespace of its own, and none to be had by executing a file.

layers.py tries most of this from inside before anything is graded. A layer that fails stops a
strict run, and nothing is graded: no weaker isolation takes its place. Control groups alone may be
missing; every report says so. A run with process isolation goes on, and every report names what
does not hold.

What is not covered:

- The worker itself: a submission can replace the functions that ask it and forge every answer. So
  what it tells of its own behaviour can only cost points. A forged value must still be correct.
- Flaws of the kernel, in the calls that are left: there is no virtual machine, and no second lock
  on files (Landlock) beside the mounts.
- Covert channels between jobs that run at the same time: load, memory, timing, what is in the cache
  of files, waiting on a page of a file that both read, and what the kernel counts per user (pipes).
- The time between two looks (20 ms): many processes together can pass a limit for that long.
  Without a control group, memory in the buffers of sockets and pipes is not counted.
- With process isolation: all that strict alone covers, and signals to the grader. Use it for code
  that you trust.
- On macOS: memory and the number of processes are not limited, and daemons are not found. On
  Windows, which has no fork: the time limit alone holds.
"""
