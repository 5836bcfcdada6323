"""``python -m rrsitr_lib`` is ``rrsitr``; also what ``torchrun -m rrsitr_lib train …`` starts."""

from rrsitr_lib.cli import main

if __name__ == "__main__":
    main()
